import gradio as gr
import pytest

from finetune.ui import chooser
from finetune.ui.chooser import RULES, Rule

IDS = ["003-newest", "002-middle", "001-oldest"]


def test_only_runs_with_a_model_can_be_compared(studio, write_run):
    good, failed = write_run(), write_run(state="failed", steps=2)
    known = [(run.id, view) for run, view in studio.views()]
    offered = {rule.tab: [run_id for _, run_id in rule.choices(known)] for rule in RULES}
    assert offered == {"train": [failed.id, good.id], "compare": [good.id]}


@pytest.mark.parametrize(
    "follows, picked, earlier, current, shown",
    [
        (True, None, None, None, 0),
        (True, None, 2, 1, 1),
        (True, 2, None, 1, 2),
        (False, None, None, 1, 0),
        (False, None, 2, 1, 2),
        (False, 1, 2, None, 1),
    ],
)
def test_a_chooser_follows_the_run_at_work_or_keeps_the_one_it_showed(follows, picked, earlier, current, shown):
    wanted = [None if n is None else IDS[n] for n in (picked, earlier, current)]
    assert Rule("x", follows=follows).shown(IDS, *wanted) == IDS[shown]


def test_a_run_that_is_gone_is_not_shown():
    assert Rule("x").shown(IDS, "099-gone", "098-gone", None) == IDS[0]
    assert Rule("x").shown([], "099-gone", None, None) is None


def test_a_run_is_shown_as_if_it_was_picked(studio, write_run):
    write_run()
    run = write_run()
    with gr.Blocks():
        drawn = chooser.draw("train")
    dropdown, picked = chooser.showing(studio, "train", run.id)
    assert dropdown.value == picked == run.id and len(dropdown.choices) == len(drawn.components()) == 2
