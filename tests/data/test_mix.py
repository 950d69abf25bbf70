import json

import pytest

from finetune.data.formats.turns import exchange
from finetune.data.mix import files_read, gather, read_held_out, read_main, read_others, secrets_in
from finetune.data.settings import DataSettings
from finetune.data.split import content_hash
from finetune.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """Files of 100 main rows, 40 of another set under other names, 300 general ones and 5 pairs."""
    write(tmp_path / "main.jsonl", [{"prompt": f"main {n}", "completion": "a"} for n in range(100)])
    write(tmp_path / "other.jsonl", [{"frage": f"other {n}", "antwort": "a"} for n in range(40)])
    write(tmp_path / "general.jsonl", [exchange(f"general {n}", "a") for n in range(300)])
    write(tmp_path / "pairs.jsonl", [{"prompt": "q", "chosen": "a", "rejected": "b"}] * 5)
    return tmp_path


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def asked(examples, word):
    found = [example["messages"][0]["content"] for example in examples]
    return [question for question in found if question.startswith(word)]


OTHER = {"path": "other.jsonl", "columns": {"prompt": "frage", "completion": "antwort"}}


def gathered(folder, seed=7, **settings):
    return gather(DataSettings(path="main.jsonl", **settings), lambda path: folder / path, seed)


def test_without_anything_to_mix_in_the_split_is_all(folder):
    found = gathered(folder)
    assert len(found.train) == 90 and len(found.held_out) == 10
    assert found.notes == [found.dataset.notes[-1]] and "10 rows" in found.notes[0]


def test_every_file_that_is_read_is_named(folder):
    settings = DataSettings(path="main.jsonl", also=("pairs.jsonl",), mix=(OTHER,), replay="general.jsonl")

    def names():
        return [path.name for path in files_read(settings, lambda path: folder / path)]

    assert names() == ["main.jsonl", "pairs.jsonl", "other.jsonl", "general.jsonl"]
    write(folder / "main.held-out.jsonl", [{"prompt": "p", "completion": "a"}])
    assert names() == ["main.jsonl", "pairs.jsonl", "main.held-out.jsonl", "other.jsonl", "general.jsonl"]


def test_a_weight_is_so_many_rows_for_each_of_the_main_data(folder):
    found = gathered(folder, mix=({**OTHER, "weight": 0.2},))
    assert len(asked(found.train, "main")) == 90
    other = asked(found.train, "other")
    assert len(other) == len(set(other)) == 18
    assert "18 rows of other.jsonl are mixed in." in found.notes
    assert asked(gathered(folder, mix=({**OTHER, "weight": 0.2},)).train, "other") == other
    assert asked(gathered(folder, 8, mix=({**OTHER, "weight": 0.2},)).train, "other") != other


def test_all_rows_are_taken_if_there_are_too_few_and_a_note_says_so(folder):
    found = gathered(folder, mix=(OTHER,))
    assert len(asked(found.train, "other")) == 40
    assert "40 rows of other.jsonl are mixed in; 90 were requested, but there are no more." in found.notes


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_replay_data_is_a_share_of_all_training_rows(folder, share):
    found = gathered(folder, mix=({**OTHER, "weight": 0.1},), replay="general.jsonl", replay_share=share)
    general = asked(found.train, "general")
    assert abs(len(general) - share * len(found.train)) <= 0.5
    assert f"{len(general)} rows of general.jsonl are mixed in." in found.notes


def test_there_is_no_replay_data_at_a_share_of_zero(folder):
    assert len(gathered(folder, replay="nowhere.jsonl", replay_share=0).train) == 90


def test_held_out_rows_are_of_the_main_data_alone_and_never_mixed_in(folder):
    found = gathered(folder, mix=({"path": "main.jsonl", "weight": 5},), replay="general.jsonl")
    assert len(asked(found.held_out, "main")) == len(found.held_out) == 10
    assert not set(map(content_hash, found.train)) & set(map(content_hash, found.held_out))
    assert len(asked(found.train, "main")) == 180


def test_rows_of_another_kind_are_refused(folder):
    with pytest.raises(DataError) as error:
        gathered(folder, replay="pairs.jsonl")
    assert "The rows of pairs.jsonl are Preference pairs, but the training rows are Prompts" in str(error.value)


def test_conversations_and_plain_text_go_together(folder):
    write(folder / "texts.jsonl", [{"text": f"The sea is {n} miles wide."} for n in range(60)])
    for main, other in (("texts.jsonl", "general.jsonl"), ("general.jsonl", "texts.jsonl")):
        settings = DataSettings(path=main, replay=other, replay_share=0.1)
        found = gather(settings, lambda path: folder / path, 7)
        kinds = ["text" in example for example in found.train]
        assert kinds.count(main != "texts.jsonl") == pytest.approx(0.1 * len(kinds), abs=0.5)
        assert all(("text" in example) == (main == "texts.jsonl") for example in found.held_out)


def test_every_file_is_found_by_the_find_function(folder):
    settings = DataSettings(path="main.jsonl", mix=(OTHER,), replay="general.jsonl")
    looked_for = []

    def find(path):
        looked_for.append(path)
        return folder / path

    main = read_main(settings, find)
    assert [len(other.examples) for other in read_others(settings, main, find)] == [40, 300]
    assert looked_for == ["main.jsonl", "other.jsonl", "general.jsonl"]


def test_several_files_are_the_main_data(folder):
    write(folder / "more.jsonl", [{"prompt": f"more {n}", "completion": "a"} for n in range(20)])
    found = gathered(folder, also=("more.jsonl",))
    assert len(asked(found.train, "main")) + len(asked(found.train, "more")) == 108


def test_a_dataset_on_the_hub_may_be_named_anywhere(folder, monkeypatch):
    monkeypatch.setattr("finetune.data.hub.fetch", lambda settings, trusted: [folder / settings.path.split("/")[-1]])
    settings = DataSettings(path="hf://datasets/me/main.jsonl", replay="hf://datasets/me/general.jsonl")
    found = gather(settings, lambda path: pytest.fail(path), 7)
    assert (len(asked(found.train, "main")), len(asked(found.train, "general"))) == (90, 10)


TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"


@pytest.fixture
def leaky(folder):
    """Mixed-in and held-out rows contain secrets; one of the held-out questions is also in the training data."""
    rows = [{"frage": f"other {n}", "antwort": f"Write to o{n}@example.com."} for n in range(40)]
    write(folder / "other.jsonl", [*rows, {"frage": f"other {TOKEN}", "antwort": "a"}])
    write(folder / "general.jsonl", [exchange(f"general {n}", "Call 415-555-0123.") for n in range(300)])
    main = [{"prompt": f"main {n}", "completion": "a"} for n in range(100)]
    asked_twice = {"prompt": "main: who is a@example.com?", "completion": "a"}
    write(folder / "main.jsonl", [*main, asked_twice])
    write(folder / "main.held-out.jsonl", [asked_twice, {"prompt": "main?", "completion": "b@example.com"}])
    return folder


@pytest.mark.parametrize("mixed_in", [{"mix": (OTHER,)}, {"replay": "general.jsonl"}])
def test_training_and_held_out_rows_are_masked(leaky, mixed_in):
    assert "example.com" in str(list(gathered(leaky, **mixed_in).train)) or "555" in str(gathered(leaky, **mixed_in))
    found = gathered(leaky, **mixed_in, fixes=({"type": "mask"},))
    said = str(list(found.train) + list(found.held_out))
    assert "[e-mail]" in said and not any(secret in said for secret in (TOKEN, "example.com", "555-0123"))


def test_held_out_rows_are_not_trained_on_in_masked_form(leaky):
    for fixes in ((), ({"type": "mask"},)):
        found = gathered(leaky, fixes=fixes)
        assert len(found.train) == 100 and len(found.held_out) == 2
        assert not set(map(content_hash, found.train)) & set(map(content_hash, found.held_out))


def test_fixes_of_rows_of_one_file_change_no_other(leaky):
    fixes = ({"type": "drop", "rows": "1-90"}, {"type": "deduplicate", "near": True})
    found = gathered(leaky, mix=({**OTHER, "weight": 5},), replay="general.jsonl", fixes=fixes)
    assert len(asked(found.train, "main")) == 10 and len(asked(found.train, "other")) == 41
    assert len(found.held_out) == 2 and asked(found.train, "general")


def test_secrets_in_what_is_mixed_in_are_found_in_all_rows_of_the_file(leaky):
    settings = DataSettings(path="main.jsonl", mix=({**OTHER, "weight": 0.01},))
    (other,) = read_others(settings, read_main(settings, lambda path: leaky / path), lambda path: leaky / path)
    key, mail = secrets_in(other, "other.jsonl")
    assert (key.severity, key.rows, key.fix.kinds) == ("problem", (41,), ("key",))
    assert key.message.startswith("Possible secrets in “other.jsonl”, which is mixed in: Hugging Face token (hf_a…) in")
    assert (mail.severity, mail.rows) == ("warning", tuple(range(1, 41))) and "(o0@e…) in 40 rows" in mail.message
    masked = settings.changed(fixes=(key.fix, mail.fix))
    (other,) = read_others(masked, read_main(masked, lambda path: leaky / path), lambda path: leaky / path)
    assert secrets_in(other, "other.jsonl") == []


def test_the_held_out_file_is_read_without_the_fixes_of_the_data(folder):
    settings = DataSettings(path="main.jsonl", fixes=({"type": "drop", "rows": "1"},))
    assert read_held_out(settings, lambda path: folder / path) is None
    write(folder / "main.held-out.jsonl", [{"prompt": "x", "completion": "y"}])
    assert read_held_out(settings, lambda path: folder / path).examples == [exchange("x", "y")]
    with pytest.raises(DataError, match="There is no file 'none.jsonl' of held-out rows"):
        read_main(settings.changed(held_out="none.jsonl"), lambda path: folder / path)
