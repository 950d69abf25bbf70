import pytest

from finetune.errors import DataError
from finetune.runs import kept
from finetune.ui.data import intake


@pytest.mark.parametrize(
    "text, suffix",
    [
        ('{"question": "a", "answer": "b"}\n{"question": "c", "answer": "d"}', ".jsonl"),
        ('{"question": "a", "answer": "b"}', ".jsonl"),
        ('[{"question": "a"}]', ".json"),
        ('{"rows": [{"question": "a"}]}', ".json"),
        ('{\n "question": ["a"]\n}', ".json"),
        ("question;answer\na;b\nc;d", ".csv"),
        ("Once upon a time\n\nthere was a ship", ".txt"),
    ],
)
def test_pasted_text_is_detected_by_its_look(text, suffix):
    assert intake.suffix_of(text) == suffix


def test_pasted_text_becomes_a_file_that_can_be_read(desk):
    settings, name = intake.from_text(desk, "question\tanswer\nWhat is 1?\tOne.\n")
    assert name == "pasted text" and desk.table(settings).rows[0] == {"question": "What is 1?", "answer": "One."}
    assert intake.from_text(desk, "question\tanswer\nWhat is 1?\tOne.\n")[0] == settings


def test_nothing_pasted_says_what_to_do(desk):
    with pytest.raises(DataError, match="nothing to read"):
        intake.from_text(desk, "  \n")


def test_several_files_are_read_as_one(desk, tmp_path):
    for n in (1, 2):
        (tmp_path / f"part{n}.csv").write_text(f"question,answer\nWhat is {n}?,It is {n}.\n")
    settings, name = intake.from_files(desk, [str(tmp_path / "part1.csv"), str(tmp_path / "part2.csv")])
    assert name == "part1" and len(settings.also) == 1
    assert [row["question"] for row in desk.table(settings).rows] == ["What is 1?", "What is 2?"]


@pytest.mark.parametrize("written", ["openai/gsm8k", " https://huggingface.co/datasets/openai/gsm8k/ "])
def test_a_dataset_on_the_hub_is_named_by_its_id_or_address(written):
    settings, name = intake.from_hub(written, "main", "")
    assert settings.path == "hf://datasets/openai/gsm8k" and settings.config == "main" and settings.split is None
    assert name == "gsm8k"


@pytest.mark.parametrize("name, config", [("", ""), ("a/b", "x" * 200)])
def test_what_names_no_dataset_is_refused(name, config):
    with pytest.raises(DataError):
        intake.from_hub(name, config, "")


def test_only_shipped_samples_can_be_taken():
    assert intake.from_sample("pirate-voice.jsonl")[1] == "pirate voice"
    with pytest.raises(DataError, match="There is no sample"):
        intake.from_sample("../../etc/passwd")


def test_rows_made_of_answers_are_copied_as_they_are_now(desk):
    asked = [{"role": "user", "content": "What colour?"}]
    for offer in ("kept:answers", "kept:nothing", "kept:"):
        with pytest.raises(DataError, match="no such rows"):
            intake.from_offer(desk, offer)
    kept.keep(desk.workspace, asked, "Blue.")
    settings, name = intake.from_offer(desk, "kept:answers")
    kept.keep(desk.workspace, asked, "Green.")
    assert name == "answers you kept" and len(desk.table(settings).rows) == 1
    assert len(desk.table(intake.from_offer(desk, "kept:answers")[0]).rows) == 2
    assert intake.from_offer(desk, "pirate-voice.jsonl") == intake.from_sample("pirate-voice.jsonl")
