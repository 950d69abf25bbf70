import pytest

from finetune.data import known
from finetune.data.loading import read
from finetune.service.limits import Limits
from finetune.ui.form import Form
from finetune.ui.method import sweep
from finetune.ui.method import tab as method

TEXT = "name: pirate\ndata: {path: assets/samples/pirate-voice.jsonl}\ntraining: {learning_rate: [0.001, 0.003]}"


@pytest.fixture
def queued(studio, monkeypatch):
    """The names of the runs that were queued."""
    names = []

    def submit(recipe):
        names.append(recipe.name)
        return studio.workspace.create(recipe)

    monkeypatch.setattr(studio.queue, "submit", submit)
    return names


def test_the_button_is_offered_for_lists_only_and_says_how_many():
    button = sweep.offer(TEXT)
    assert button.visible and button.value == "Queue all 2 runs"
    for text in ("", None, "a: [", "name: x\ndata: {path: a}", TEXT.replace("0.003", "-1")):
        assert not sweep.offer(text).visible


def test_all_runs_are_queued_and_the_first_is_shown(studio, queued):
    run_id, problems = sweep.queue(studio, TEXT)
    assert problems == "" and run_id.startswith("001-")
    assert queued == ["pirate (learning rate 0.001)", "pirate (learning rate 0.003)"]


def test_the_data_of_all_runs_is_read_once_and_again_only_where_it_is_read_otherwise(still, monkeypatch):
    reads = []
    monkeypatch.setattr(known, "read", lambda path, *given: reads.append(path.name) or read(path, *given))
    run_id, _ = sweep.queue(still, TEXT)
    assert run_id and len(still.queue.waiting()) == 2 and reads == ["pirate-voice.jsonl"]
    sweep.queue(still, TEXT.replace(".jsonl}", ".jsonl, system: [Be short., Be kind.]}"))
    assert len(still.queue.waiting()) == 6 and reads == ["pirate-voice.jsonl"] * 3


@pytest.mark.parametrize(
    "change, words",
    [
        (("0.003", "-1"), "training.learning_rate"),
        (("assets/samples/pirate-voice.jsonl", "[assets/samples/pirate-voice.jsonl, /etc/passwd]"), "/etc/passwd"),
        (("training:", "method: {type: [sft, dpo]}\ntraining:"), "DPO trains on pairs of answers"),
    ],
)
def test_if_one_cannot_run_none_is_queued(studio, queued, change, words):
    run_id, problems = sweep.queue(studio, TEXT.replace(*change))
    assert run_id is None and words in problems and "role='alert'" in problems
    assert queued == [] and studio.workspace.runs() == []


def test_a_form_cannot_hold_lists_and_says_what_to_press(studio):
    chosen, notice, *_ = method.load(studio, Form(), TEXT)
    assert chosen is None and "a sweep of 2 runs" in notice and "Queue all 2 runs" in notice


@pytest.mark.threat("T41", "S4")
def test_a_sweep_that_does_not_fit_into_the_queue_is_refused_before_the_first_run(still, monkeypatch):
    monkeypatch.setattr(still.queue, "limits", Limits(each=1, in_all=1))
    run_id, problems = sweep.queue(still, TEXT)
    assert run_id is None and "these are 2 more; at most 1 may" in problems and still.workspace.runs() == []
