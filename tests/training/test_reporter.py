import math
from types import SimpleNamespace

import pytest

from finetune.errors import DivergedError
from finetune.machine.hardware import GIB, Machine
from finetune.recipe import Recipe
from finetune.runs.checkpoints import SAVE_S
from finetune.runs.events import Answer, Sampled, Stepped
from finetune.training.reporter import Reporter, Stopped


class Silent:
    def answers(self, model, first=False):
        return ()


@pytest.fixture
def run(workspace):
    values = {"data": {"path": "x"}, "method": {"type": "dpo"}, "evaluation": {"times": 2}}
    return workspace.create(Recipe.from_dict(values))


@pytest.fixture
def reporter(run):
    planned = {"train_rows": 8, "held_out_rows": 2, "trained_tokens": 80, "parameters": 100, "trainable": 10}
    reporter = Reporter(run, run.recipe, Machine("cpu", "CPU", 2, GIB), Silent(), planned=planned)
    reporter.trainer = SimpleNamespace(eval_dataset=[1], evaluate=lambda: None)
    return reporter


def state(step=0, total=10):
    return SimpleNamespace(global_step=step, max_steps=total)


def control():
    return SimpleNamespace(should_training_stop=False, should_evaluate=False, should_save=False)


def test_held_out_rows_are_scored_evenly_and_at_the_end(reporter):
    reporter.on_train_begin(None, state(), None)
    asked = []
    for step in range(1, 11):
        flags = control()
        reporter.on_step_end(None, state(step), flags)
        if flags.should_evaluate:
            asked.append(step)
    assert asked == [5, 10]


def test_a_checkpoint_is_saved_at_each_check_and_when_the_time_has_come(reporter):
    reporter.on_train_begin(None, state(), None)
    saved = []
    for step in range(1, 11):
        flags = control()
        if step == 7:
            reporter._saved -= SAVE_S + 1  # as if the last one was long ago
        reporter.on_step_end(None, state(step), flags)
        if flags.should_save:
            saved.append(step)
            reporter.on_save(None, state(step), flags)
    assert saved == [5, 7, 10]


def test_a_recipe_says_how_often_a_checkpoint_is_saved(reporter):
    reporter.recipe = reporter.recipe.changed(**{"training.save_steps": 4})
    reporter.on_train_begin(None, state(), None)
    saved = []
    for step in range(1, 11):
        flags = control()
        reporter.on_step_end(None, state(step), flags)
        saved += [step] * flags.should_save
    assert saved == [4, 5, 8, 10]


def test_a_resumed_run_goes_on_counting(reporter, run):
    answers = (Answer(prompt="p", base="b", tuned="t"),)
    for event in (Stepped(step=3, epoch=0.3, loss=1, learning_rate=1, elapsed_s=50), Sampled(step=0, answers=answers)):
        run.emit(event)
    reporter.on_train_begin(None, state(step=3), None)
    reporter.on_log(None, state(4), None, logs={"loss": 0.5})
    assert reporter.sample_answers.base == ["b"] and 50 <= run.view().elapsed_s < 60


def test_a_step_is_an_event_with_the_methods_metrics(reporter, run):
    reporter.on_train_begin(None, state(), None)
    logs = {"loss": 0.6, "learning_rate": 1e-3, "rewards/accuracies": 0.75, "rewards/margins": 0.1, "epoch": 0.1}
    reporter.on_log(None, state(1), None, logs=logs)
    (step,) = run.view().steps
    assert (step.step, step.loss, step.metrics) == (1, 0.6, {"accuracy": 0.75, "margin": 0.1})


def test_the_pace_counts_the_tokens_of_the_rows_read(reporter, run):
    reporter.epoch_tokens = 1000
    reporter.on_train_begin(None, state(), None)
    for step in range(1, 4):
        reporter.on_step_begin(None, state(step), None)
        reporter._step_began -= 0.5  # as if the step took half a second
        reporter.on_step_end(None, state(step), control())
        reporter.on_log(None, state(step), None, logs={"loss": 0.5, "epoch": 0.1 * step})
    first, *later = run.view().steps
    assert first.tokens_per_s is None
    assert [step.tokens_per_s for step in later] == pytest.approx([200, 200], rel=0.05)


def test_other_logs_are_no_steps(reporter, run):
    reporter.on_log(None, state(10), None, logs={"train_runtime": 3.0})
    assert run.view().steps == []


def test_three_losses_in_a_row_that_are_no_numbers_end_the_run(reporter):
    for step, loss in enumerate((math.nan, math.inf, 0.5, math.nan, math.nan), start=1):
        reporter.on_log(None, state(step), None, logs={"loss": loss})
    with pytest.raises(DivergedError, match="since step 4"):
        reporter.on_log(None, state(6), None, logs={"loss": math.nan})


def test_a_request_to_stop_reaches_every_phase(reporter, run):
    reporter.recipe = reporter.recipe.changed(**{"training.accumulation": 2})
    reporter.on_step_begin(None, state(), None)
    run.cancel()
    for moment in (reporter.on_step_end, reporter.on_substep_end):
        flags = control()
        moment(None, state(1), flags)
        assert flags.should_training_stop and flags.should_save
    with pytest.raises(Stopped):
        reporter.on_prediction_step(None, state(1), control())
