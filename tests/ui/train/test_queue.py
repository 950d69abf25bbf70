import pytest

from finetune.ui.studio import Studio
from finetune.ui.train import queue


def test_an_empty_queue_is_not_drawn(studio, write_run):
    write_run()
    assert queue.panel(studio) == ""


def test_the_queue_names_each_run_with_what_can_be_asked_of_it(still, three, enabled):
    html = queue.panel(still)
    assert "1. one" in html and "2. &lt;two&gt;" in html and "aria-label='Move run 3 “three” up'" in html
    first, second, third = (run.id for run in three)
    assert enabled(html) == [
        f"down:{first}", f"remove:{first}", f"up:{second}", f"down:{second}", f"remove:{second}", f"up:{third}",
        f"remove:{third}",
    ]  # fmt: skip


def test_an_interrupted_run_is_offered(studio, write_run):
    write_run(steps=4, state=None)
    html = queue.offers(studio)
    assert "Run 1 “pirate voice” was interrupted at step 4 of 10." in html and "Restart from step 0" in html
    assert queue.interrupted_words(studio) == "run 1 was interrupted"


def test_an_interrupted_run_that_is_dismissed_is_offered_no_more(studio, write_run, enabled):
    run, other = write_run(steps=4, state=None), write_run(steps=4, state="interrupted")
    assert queue.interrupted_words(studio) == "2 runs were interrupted"
    run.dismiss()
    assert enabled(queue.offers(studio)) == [f"resume:{other.id}", f"dismiss:{other.id}"]
    assert "resume" in queue.offers(Studio(studio.workspace)) and studio.view(run).state == "interrupted"


def test_a_restart_is_offered_for_a_run_that_does_not_respond(still, silent, enabled):
    run, _ = silent
    assert enabled(queue.offers(still)) == [f"restart:{run.id}"]
    run.ask("stop")
    assert enabled(queue.offers(still)) == [f"restart:{run.id}"], "it does not heed the stop either"


def test_no_restart_is_offered_for_a_run_that_responds_again(still, silent, monkeypatch):
    monkeypatch.setattr("finetune.runs.view.STALLED_S", 60)
    assert queue.offers(still) == ""


@pytest.mark.parametrize("missing", ["launcher", "run"])
def test_a_restart_is_not_offered_where_it_would_not_help(still, silent, missing):
    if missing == "launcher":
        still.restart = None
    else:
        still.queue.current = None  # another process works on it
    assert queue.offers(still) == ""


def test_a_restart_is_offered_for_a_run_that_hangs_before_its_first_step(still, write_run, monkeypatch, enabled):
    monkeypatch.setattr("finetune.runs.view.UNPACED_S", 0)
    run = write_run(steps=0, state=None)
    with run.held():
        still.queue.current, still.restart = run, lambda: None
        offer = queue.offers(still)
    assert enabled(offer) == [f"restart:{run.id}"] and "has to restart from step 0" in offer
