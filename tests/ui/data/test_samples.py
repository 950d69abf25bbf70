from finetune.paths import ASSETS
from finetune.runs import kept
from finetune.ui.data.samples import GENERAL, offers, sample_entries, sample_list, title_of


def test_every_sample_offered_is_there_and_every_one_there_is_offered():
    aside = (".held-out", "general.jsonl", "README.md")
    there = {path.name for path in (ASSETS / "samples").iterdir() if not any(part in path.name for part in aside)}
    assert {entry["file"] for entry in sample_entries()} == there


def test_each_sample_is_a_button_with_a_title_and_a_line():
    html = sample_list()
    assert html.count("<button type='button'") == len(sample_entries())
    assert all(entry["line"].endswith(".") for entry in sample_entries())


def test_data_has_the_title_that_a_person_knows():
    assert title_of("assets/samples/ticket-json.jsonl") == "Ticket to JSON"
    assert title_of(GENERAL) == "Replay data of the starter"
    assert title_of("uploads/0123456789abcdef/My FAQ.csv") == "My FAQ.csv"
    assert title_of("hf://datasets/openai/gsm8k") == "gsm8k"


def test_rows_made_of_answers_are_offered_once_there_are_some(workspace):
    assert offers(workspace) == sample_list()
    for answer in ("Blue.", "Green."):
        kept.keep(workspace, [{"role": "user", "content": "What colour?"}], answer)
    assert "<b>Answers you kept: 2 rows</b>" in offers(workspace) and "Corrections" not in offers(workspace)
    kept.correct(workspace, [{"role": "user", "content": "What colour?"}], "Red.", "Blue.")
    html = offers(workspace)
    assert "<b>Corrections: 1 pair</b>" in html and html.endswith(sample_list())
    assert "data-pick='kept:answers'" in html and "data-pick='kept:corrections'" in html
