import json

import pytest

from finetune.recipe import Recipe
from finetune.runs import events
from tests import scored


@pytest.fixture
def run(with_tiny):
    run = with_tiny.create(Recipe.from_dict({"name": "pirate voice", "data": {"path": "rows.jsonl"}}))
    run.emit(events.Saved(what="model", path="model", step=1))
    run.emit(events.Ended(state="done"))
    return run


def test_the_report_stands_in_the_run_directory_and_its_verdict_on_the_screen(command, run):
    scored.evaluated(run)
    code, out, _ = command("report", "1")
    assert code == 0 and out.splitlines()[0] == "Use it for what it was taught."
    assert out.splitlines()[-1] == str(run.path / "report.html")
    assert "<h1" in (run.path / "report.html").read_text() and json.loads((run.path / "report.json").read_text())


def test_it_goes_where_it_is_sent_with_its_price_and_its_facts(command, run, tmp_path):
    code, out, _ = command("report", "1", "--to", tmp_path / "new" / "mine.html", "--price", "2.5", "--json")
    found = json.loads(out)
    assert code == 0 and found["html"].endswith("mine.html") and found["json"].endswith("mine.json")
    assert found["report"]["cost"]["price"] == 2.5 and found["report"]["missing"]


def test_a_run_without_an_evaluation_says_what_is_missing(command, run):
    code, out, _ = command("report", "1")
    assert code == 0 and "were not evaluated" in out and "Compare tab" in out


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "cheap", "1e9"])
def test_a_price_is_a_number(command, run, price):
    with pytest.raises(SystemExit):
        command("report", "1", "--price", price)


def test_a_file_that_cannot_be_a_page_is_refused(command, run, tmp_path):
    (tmp_path / "file").write_text("")
    for to, words in (("report.pdf", "ends in .html"), (tmp_path / "file" / "r.html", "cannot be written")):
        code, _, error = command("report", "1", "--to", to)
        assert code == 2 and words in error
