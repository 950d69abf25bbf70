import gradio as gr
import pytest

from finetune.runs import events
from finetune.ui.train import tab as train
from finetune.ui.train.actions import ACTIONS, pause
from finetune.ui.train.tab import NAMES, PANES

BUTTONS = [action.name for action in ACTIONS]


def shown(rendered):
    """The names of the buttons that are shown."""
    return [name for name in BUTTONS if rendered[name]]


def test_without_runs_it_says_what_to_do(studio):
    rendered = train.render(studio, None)
    assert "press “Start training”" in rendered["run-head"] and shown(rendered) == []


def test_a_finished_run_can_be_downloaded_and_compared(studio, write_run):
    rendered = train.render(studio, write_run().id)
    assert "<svg" in rendered["charts"] and "Arr, after 10!" in rendered["answers"]
    assert shown(rendered) == ["delete", "further", "download", "hand-over-to", "to-compare"]


def test_a_reward_model_is_downloaded_but_not_asked_or_trained_further(studio, write_run):
    rendered = train.render(studio, write_run(method="reward").id)
    assert shown(rendered) == ["delete", "download", "hand-over-to"]


def test_a_run_at_work_can_be_stopped_or_paused(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        assert shown(train.render(studio, run.id)) == ["pause", "stop"]
        pause(studio, run.id)
        rendered = train.render(studio, run.id)
        assert shown(rendered) == [] and "Pausing after this step" in rendered["run-head"]


@pytest.mark.parametrize("state", ["stopped", "paused", "failed", "interrupted"])
def test_a_run_that_ended_unfinished_can_be_resumed(studio, write_run, state):
    run = write_run(steps=7, state=state)
    assert bool(train.render(studio, run.id)["offers"]) == (state == "interrupted")
    run.dismiss()
    assert train.render(studio, run.id)["resume"] == "Restart from step 0"
    with run.checkpoints.staging(5) as folder:
        (folder / "weights").write_bytes(b"x")
    rendered = train.render(studio, run.id)
    assert rendered["resume"] == "Resume from step 5" and rendered["delete"] and not rendered["further"]


def test_a_queued_run_can_be_removed(still, write_run):
    run = write_run(steps=4, state="paused")
    still.queue.resume(run.id)
    rendered = train.render(still, run.id)
    assert shown(rendered) == ["stop"] and rendered["stop"] == "Remove from the queue"


def test_a_run_that_started_from_another_says_so(studio, write_run):
    first = write_run()
    assert "starts from run 1" in train.render(studio, write_run(model={"run": first.id}).id)["run-head"]


def test_equal_moments_look_equal(studio, write_run):
    run = write_run()
    assert train.render(studio, run.id) == train.render(studio, run.id)


def test_there_is_a_component_and_an_update_for_each_name(studio):
    with gr.Blocks():
        parts = train.draw(studio)
    rendered = train.render(studio, None)
    assert list(rendered) == list(NAMES) and len(set(NAMES)) == len(NAMES)
    assert [component.elem_id for component in parts.refreshed()] == list(NAMES)
    assert len(train.updates(rendered)) == len(NAMES)


def test_the_last_button_that_leads_on_is_the_primary_one(studio, write_run):
    run = write_run(steps=7, state="stopped")
    buttons = dict(zip(NAMES, train.updates(train.render(studio, run.id))))
    assert [name for name in BUTTONS if buttons[name].variant == "primary" and buttons[name].visible] == ["to-compare"]


def test_a_chart_is_redrawn_with_each_step_and_of_many_with_each_hundredth(studio, write_run, monkeypatch):
    drawn = []
    monkeypatch.setattr(train, "main_charts", lambda view: drawn.append(len(view.steps)) or "chart")
    run = write_run(steps=20, state=None)
    for step in range(21, 321):
        run.emit(events.Stepped(step=step, epoch=1, loss=1, learning_rate=1))
        with run.held():
            assert train.render(studio, run.id)["charts"].startswith("chart")
            train.render(studio, run.id)
    assert drawn == [*range(21, 200), *range(200, 300, 2), *range(300, 321, 3)]


def test_only_what_changed_is_sent(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        before = train.render(studio, run.id)
        run.cancel()
        after = train.render(studio, run.id)
    changed = {name for name in NAMES if before[name] != after[name]}
    assert changed and "charts" not in changed
    for name, value in zip(NAMES, train.updates(after, before)):
        if name in changed:
            assert isinstance(value, gr.Button) if name in BUTTONS else value == after[name]
        else:
            assert value == (gr.skip() if len(before[name]) >= train.SHORT else before[name])
    assert len(before["charts"]) > train.SHORT and gr.skip() not in train.updates(before)[: len(PANES)]
