"""The samples in assets/ are what the seed gives, byte for byte, and their held-out rows are apart."""

import json
from collections import Counter

import pytest

from finetune.starter import SAMPLES_DIR
from finetune.starter.pirate import is_pirate
from finetune.starter.samples import (
    GENERAL_ROWS,
    RATED_ROWS,
    SAMPLES,
    general,
    general_questions,
    rated,
    rows,
    write_samples,
)


def test_samples_come_out_byte_for_byte(tmp_path):
    write_samples(tmp_path)
    there = {path.name: path.read_bytes() for path in SAMPLES_DIR.iterdir() if path.name != "README.md"}
    assert {path.name for path in tmp_path.iterdir()} == set(there)
    for file, content in there.items():
        assert (tmp_path / file).read_bytes() == content, file


@pytest.mark.parametrize("name", SAMPLES)
def test_held_out_rows_are_apart(name):
    train, held_out = rows(name)
    assert (len(train), len(held_out)) == SAMPLES[name]
    questions = [json.dumps(row.get("prompt") or row["messages"][:-1]) for row in train + held_out]
    assert len(set(questions)) == len(questions)


def test_pirates_speak_like_pirates():
    assert all(is_pirate(row["messages"][1]["content"]) for part in rows("pirate-voice") for row in part)


def test_general_rows_are_of_many_kinds_without_the_pirates_voice():
    talks = [row["messages"] for row in general()]
    assert len(talks) == GENERAL_ROWS[0] == len({str(talk[:-1]) for talk in talks})
    assert not any(is_pirate(turn["content"]) for talk in talks for turn in talk if turn["role"] == "assistant")
    openings = Counter(talk[-1]["content"].split()[0] for talk in talks)
    assert len(openings) > 30 and sum(len(talk) > 2 for talk in talks) > 30


def test_rated_rows_are_apart_and_about_as_often_good_as_bad():
    train, held_out = rated()
    assert (len(train), len(held_out)) == RATED_ROWS
    assert len({row["prompt"][0]["content"] for row in train + held_out}) == sum(RATED_ROWS)
    assert 0.4 < sum(row["label"] for row in train) / len(train) < 0.6


def test_general_questions_are_unseen_and_each_has_the_words_that_decide():
    found = general_questions()
    assert len(found) == GENERAL_ROWS[1]
    trained = {str(row["messages"][:-1]) for row in general()}
    for row in found:
        question, answer = (turn["content"].lower() for turn in row["messages"][-2:])
        assert row["key"] and all(word in answer and word not in question.split() for word in row["key"])
        assert str(row["messages"][:-1]) not in trained
