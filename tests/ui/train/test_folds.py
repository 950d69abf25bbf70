import gradio as gr
import pytest

from finetune.runs.events import Ended
from finetune.ui import chooser
from finetune.ui.train import folds
from finetune.ui.train.folds import Content, refresh, shown_run

RULE = chooser.rule_of("train")
SKIP = gr.skip()


@pytest.fixture
def content():
    return Content("log", "Log", lambda run, view: view.revision, lambda run, view: f"{run.id} {view.step}", "nothing")


def test_without_a_run_a_fold_says_so(studio, content):
    assert refresh(studio, content, RULE, None, None) == (None, "nothing")


def test_a_fold_is_drawn_again_only_if_there_is_something_new(studio, content, write_run):
    run = write_run(steps=4, state=None)
    seen, html = refresh(studio, content, RULE, None, None)
    assert html == f"{run.id} 4" and refresh(studio, content, RULE, None, seen) == (SKIP, SKIP)
    other = write_run(steps=2)
    assert refresh(studio, content, RULE, other.id, seen)[1] == f"{other.id} 2"


def test_the_run_shown_is_the_picked_one_else_the_one_at_work_else_the_newest(studio, write_run):
    first, second = write_run(steps=3, state=None), write_run()
    with first.held():
        assert shown_run(studio, RULE, None).id == first.id
        assert shown_run(studio, RULE, second.id).id == second.id
    first.emit(Ended(state="stopped"))
    assert shown_run(studio, RULE, None).id == second.id
    assert shown_run(studio, RULE, "099-gone").id == second.id


def test_a_fold_is_closed_and_its_clock_stands_still_at_first(content):
    with gr.Blocks():
        drawn = folds.draw(content)
    assert not drawn.accordion.open and not drawn.clock.active and not drawn.board.value
