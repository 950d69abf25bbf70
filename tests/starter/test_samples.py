"""The samples in assets/ are what the seed gives, byte for byte, and their held-out rows are apart."""

import json

import pytest

from finetune.starter import SAMPLES_DIR
from finetune.starter.pirate import is_pirate
from finetune.starter.samples import SAMPLES, rows, write_samples


def test_samples_come_out_byte_for_byte(tmp_path):
    write_samples(tmp_path)
    for name in SAMPLES:
        for suffix in ("", ".held-out"):
            file = f"{name}{suffix}.jsonl"
            assert (tmp_path / file).read_bytes() == (SAMPLES_DIR / file).read_bytes(), file


@pytest.mark.parametrize("name", SAMPLES)
def test_held_out_rows_are_apart(name):
    train, held_out = rows(name)
    assert (len(train), len(held_out)) == SAMPLES[name]
    questions = [json.dumps(row.get("prompt") or row["messages"][:-1]) for row in train + held_out]
    assert len(set(questions)) == len(questions)


def test_pirates_speak_like_pirates():
    assert all(is_pirate(row["messages"][1]["content"]) for part in rows("pirate-voice") for row in part)
