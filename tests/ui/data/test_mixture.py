import json

import pytest

from finetune.data.counts import Counts
from finetune.data.loading import read
from finetune.data.mix import gather, read_others
from finetune.data.settings import DataSettings
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError
from finetune.ui.data import mixture
from finetune.ui.data.mixture import Mixture, mix


@pytest.fixture
def folder(tmp_path):
    """100 main rows, 40 others one of them empty, and 300 for replay."""
    for name, count in (("main", 100), ("other", 39), ("general", 300)):
        rows = [{"prompt": f"{name} {n}", "completion": "a" * (n + 1)} for n in range(count)]
        rows += [{"prompt": "empty", "completion": ""}] if name == "other" else []
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def sequences(example):
    """A sequence as long as the answer, truncated at 30, all of it trained."""
    answer = len(example["messages"][1]["content"])
    return (TokenSequence((0,) * min(answer, 30), (True,) * min(answer, 30), full_length=answer),)


def mixed(folder, count=sequences, **settings):
    settings = DataSettings(path="main.jsonl", **settings)
    main = read(folder / "main.jsonl", settings)
    others = read_others(settings, main, lambda path: folder / path)
    return mix(main, others, None, settings, count), settings


def test_the_counts_are_those_of_the_training(folder):
    found, settings = mixed(folder, mix=[{"path": "other.jsonl", "weight": 0.2}], replay="general.jsonl")
    gathered = gather(settings, lambda path: folder / path, seed=7)
    assert found.own + found.rows == len(gathered.train) and found.own == 90
    assert [portion.note for portion in found.portions] == gathered.notes[-2:]


def test_tokens_are_counted_after_truncation_and_the_longest_before(folder):
    found, _ = mixed(folder, mix=[{"path": "other.jsonl"}])
    assert (found.counts.rows, found.counts.longest) == (39, 39)
    assert found.counts.tokens == sum(min(n, 30) for n in range(1, 40))
    assert "9 mixed-in rows are truncated at this length." in found.notes


def test_missing_rows_are_reported(folder):
    found, _ = mixed(folder, mix=[{"path": "other.jsonl"}])
    assert "90 rows of “other.jsonl” were requested; it has no more." in found.notes
    assert any(note.startswith("1 row of “other.jsonl” is rejected; the first is row 40") for note in found.notes)


def test_of_many_rows_a_spread_sample_is_counted(folder, monkeypatch):
    exact, _ = mixed(folder, replay="general.jsonl", replay_share=0.7)
    monkeypatch.setattr(mixture, "MOST_COUNTED", 50)
    about, _ = mixed(folder, replay="general.jsonl", replay_share=0.7)
    assert about.rows == exact.rows == 210 and about.counts.tokens == pytest.approx(exact.counts.tokens, rel=0.1)


def test_a_row_that_the_template_refuses_has_no_tokens(folder):
    def refuse(example):
        raise DataError("No.")

    found, _ = mixed(folder, refuse, mix=[{"path": "other.jsonl", "weight": 0.1}])
    assert (found.rows, found.counts) == (9, Counts())


def test_nothing_is_no_rows():
    assert Mixture().rows == 0 and Mixture().portions == ()
