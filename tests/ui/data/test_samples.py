from finetune.paths import ASSETS
from finetune.ui.data.samples import GENERAL, sample_entries, sample_list, title_of


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
