import csv
from pathlib import Path

import pytest

from finetune.errors import BusyError
from finetune.ui.compare import held_out
from finetune.ui.compare.held_out import Asked, Row
from finetune.ui.compare.running import Running
from finetune.ui.data.prompts import Prompt
from finetune.ui.downloads import Downloads
from tests.ui.compare.test_ask import DEFAULTS

ASKED, RUNNING, LINE, TABLE, ASK, STOP, CSV = range(7)
HOSTILE = "<img src=x onerror=alert(1)> =1+1"


def ask(studio, form, run_id, amount=5, running=None):
    return list(held_out.ask(studio, form, amount, run_id, running, *DEFAULTS))


def test_the_table_grows_by_a_row_for_each_prompt(studio, form, parrot, write_run):
    run = write_run()
    steps, prompts = ask(studio, form, run.id), studio.data.prompts(run)[:5]
    assert [step[TABLE].count("<tr>") for step in steps] == [0, 2, 3, 4, 5, 6, 6]
    assert steps[0][STOP].visible and not steps[0][CSV].visible and steps[0][RUNNING].is_over
    last = steps[-1]
    assert [row.prompt for row in last[ASKED].rows] == prompts and "5 prompts answered." in last[LINE]
    assert "Adapter off in the base" in last[LINE]
    assert last[ASK].visible and last[CSV].visible and "Arr, the sea be &lt;blue&gt;." in last[TABLE]
    assert [asked[1][0] for asked in parrot.asked] == [prompt.messages for prompt in prompts]


def test_all_are_asked_but_no_more_than_there_are(studio, form, parrot, write_run):
    run = write_run()
    assert len(ask(studio, form, run.id, 200)[-1][ASKED].rows) == len(studio.data.prompts(run)) > 20


def test_it_stops_with_the_rows_so_far(studio, form, parrot, write_run):
    parrot.stops_after = 2
    last = ask(studio, form, write_run().id)[-1]
    assert len(last[ASKED].rows) == 2 and "Stopped after 2 of 5 prompts." in last[LINE] and last[CSV].visible


def test_truncated_answers_are_counted(studio, form, parrot, write_run):
    parrot.is_truncated = True
    assert "5 of them with an answer truncated at 256 tokens" in ask(studio, form, write_run().id)[-1][LINE]


def test_an_error_keeps_the_rows_so_far(studio, form, parrot, write_run, monkeypatch):
    reply = parrot.reply

    def refuse(*arguments):
        if len(parrot.asked) == 2:
            raise BusyError("The model does not fit beside the training.", "Ask again later.")
        return reply(*arguments)

    monkeypatch.setattr(parrot, "reply", refuse)
    last = ask(studio, form, write_run().id)[-1]
    assert "notice info" in last[LINE] and len(last[ASKED].rows) == 2 and last[ASK].visible


def test_a_run_without_held_out_rows_says_so(studio, form, parrot, write_run):
    run = write_run(data={"path": "assets/samples/handbook.txt"})
    assert "no held-out prompts" in ask(studio, form, run.id)[-1][LINE]
    assert "There is no finished run" in ask(studio, form, None)[-1][LINE]


def test_nothing_is_asked_twice_at_a_time(studio, form, parrot, write_run):
    (step,) = ask(studio, form, write_run().id, running=Running())
    assert "still being asked" in step[LINE] and parrot.asked == []


def test_another_run_empties_the_table(studio):
    running = Running()
    cleared = held_out.clear(running)
    assert cleared[ASKED] == Asked() and cleared[TABLE] == "" and running.is_over


@pytest.fixture
def hostile():
    return Row(Prompt((("user", HOSTILE),), ""), HOSTILE, "=cmd|' /C calc'!A0")


def test_hostile_text_is_text_in_the_table(hostile):
    html = held_out.table((hostile,))
    assert "<img" not in html and html.count("&lt;img src=x") == 2 and "none" in html


def test_the_file_has_every_row_and_no_formula(hostile, tmp_path):
    files = Downloads(tmp_path / "downloads")
    assert held_out.download(files, Asked()) == ""
    assert held_out.download(files, Asked("003-x", (hostile,))).endswith("/003-x-held-out.csv")
    path = Path(held_out.to_file(tmp_path, Asked("003-x", (hostile,))))
    assert path.name == "003-x-held-out.csv"
    head, row = csv.reader(path.read_text("utf-8-sig").splitlines())
    assert head == ["question", "base", "tuned", "expected"] and row == [HOSTILE, HOSTILE, "'=cmd|' /C calc'!A0", ""]
