"""Curves whose verdict is known: drawn by formulas, and recorded from runs of the shipped model (``curves.json``)."""

import json
import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.paths import PROJECT
from finetune.runs import events
from finetune.runs.diagnosis import RULES, TITLES, Diagnosis, best_sound, diagnose, steps_words
from finetune.runs.view import View, fold
from tests.strategies import any_event

RECORDED = json.loads((PROJECT / "tests" / "curves.json").read_text(encoding="utf-8"))


def story(training, held_out=(), total=None, metrics=None, norms=None, answers=()):
    """The events of a run with these losses: one per step, and checks spread evenly over the steps."""
    steps = len(training)
    yield events.Queued(name="run", method="dpo" if metrics else "sft")
    yield events.Planned(
        total_steps=total or steps,
        train_rows=9,
        held_out_rows=9 * bool(held_out),
        trained_tokens=9,
        parameters=9,
        trainable=9,
    )
    for n, loss in enumerate(training):
        norm = norms[n] if norms else None
        yield events.Stepped(step=n + 1, epoch=0, loss=loss, learning_rate=1e-3, grad_norm=norm)
    for n, loss in enumerate(held_out):
        figures = metrics[n] if metrics else {}
        yield events.Evaluated(step=round(n * steps / max(len(held_out) - 1, 1)), loss=loss, metrics=figures)
    for step, said_then in answers:
        spoken = tuple(events.Answer(prompt="?", base=base, tuned=tuned) for base, tuned in said_then)
        yield events.Sampled(step=step, answers=spoken)


def judge(*arguments, **more) -> Diagnosis:
    return diagnose(fold(story(*arguments, **more)))


def falling(steps, start=3.0, end=0.5, noise=0.05, seed=1):
    chance = random.Random(seed)
    return [end + (start - end) * math.exp(-6 * n / steps) + chance.gauss(0, noise) for n in range(steps)]


@pytest.mark.parametrize(
    "name, code",
    [
        ("sft default", "learning"),
        ("sft rate x10", "diverged"),
        ("sft rate x100", "diverged"),
        ("sft rate /1000", "plateau"),
        ("sft 20 rows, 60 epochs", "overfitting"),
        ("dpo default", "learning"),
        ("dpo 12 epochs", "degenerate"),
    ],
)
def test_real_runs_are_judged_as_a_person_would(name, code):
    run = RECORDED[name]
    view = fold(
        [
            *story(run["loss"], total=run["total_steps"], norms=run["grad_norm"], answers=run["answers"]),
            *(events.Evaluated(step=step, loss=loss, metrics=metrics) for step, loss, metrics in run["held_out"]),
        ]
    )
    assert diagnose(view).code == code


def test_a_run_that_goes_well_is_never_blamed_on_its_way():
    run, seen = RECORDED["sft default"], set()
    checks = {step: loss for step, loss, _ in run["held_out"]}
    view = fold(story([], total=run["total_steps"]))
    for n, (loss, norm) in enumerate(zip(run["loss"], run["grad_norm"])):
        view.add(events.Stepped(step=n + 1, epoch=0, loss=loss, learning_rate=0, grad_norm=norm))
        if n + 1 in checks:
            view.add(events.Evaluated(step=n + 1, loss=checks[n + 1]))
        seen.add(diagnose(view).code)
    assert seen == {"early", "learning"}


@given(st.lists(any_event(), max_size=80))
def test_any_run_has_a_verdict(events):
    view = fold(events)
    found = diagnose(view)
    steps = [event.step for event in (*view.steps, *view.evaluations, *view.samples)]
    assert found.code in TITLES and found.words.endswith((".", "”."))
    assert found.best_step in (None, *steps) and found.since in (None, 0, view.step, *steps)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=25, max_size=60), st.data())
def test_wild_numbers_are_judged_too(losses, data):
    checks = data.draw(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8))
    norms = data.draw(st.lists(st.floats(), min_size=len(losses), max_size=len(losses)))
    assert judge(losses, checks, norms=norms).code in TITLES


@given(st.integers(60, 400), st.floats(1.0, 8.0), st.integers(0, 99))
def test_a_falling_loss_is_learning(steps, start, seed):
    checks = [0.5 + (start - 0.5) * math.exp(-6 * share / 5) for share in range(6)]
    found = judge(falling(steps, start, 0.5, 0.02, seed), checks)
    assert found.code == "learning" and "fell from" in found.words and not found.advice


def test_with_few_points_nothing_is_said():
    assert judge([]).code == "early" and judge([3.0, 2.9, 2.8], [3.0]).code == "early"
    assert judge([], [3.0]).code == "early"


def test_a_curve_that_is_level_at_the_beginning_is_given_time():
    assert judge([3.0] * 30, [3.0, 3.0], total=1000).code == "early"
    assert "hardly moved yet" in judge([3.0] * 30, [3.0, 3.0], total=1000).words
    begun = judge([10 - step / 4 for step in range(20)], [10.5], total=1000)
    assert begun.code == "early" and "So far the training loss fell from 9.500 to 5.750" in begun.words
    assert judge([3.0] * 300, [3.0, 3.0], total=1000).code == "plateau"


@given(st.integers(0, 200))
def test_noise_alone_is_flat(seed):
    chance = random.Random(seed)
    losses = [3 + chance.gauss(0, 0.3) for _ in range(120)]
    found = judge(losses, [3.0, 3.001, 2.998, 3.002, 2.997])
    assert found.code == "plateau" and "higher" in found.advice


def test_without_held_out_rows_the_training_loss_decides_and_says_what_it_cannot_know():
    found = judge(falling(100))
    assert found.code == "learning" and "without them" in found.advice and found.best_step is None
    chance = random.Random(5)
    assert judge([3 + chance.gauss(0, 0.1) for _ in range(100)]).code == "plateau"
    assert judge([1.0] * 20 + [1 + n / 10 for n in range(80)]).code == "diverged"


def test_overfitting_names_the_best_step_and_since_when():
    found = judge(falling(120, end=0.01, noise=0), [3.0, 1.4, 1.2, 1.25, 1.3, 1.35, 1.5])
    assert (found.code, found.best_step, found.since) == ("overfitting", 40, 60)
    assert "best at step 40 (1.200)" in found.words and "since step 60" in found.words


def test_a_slow_rise_at_three_checks_in_a_row_is_overfitting_and_a_wobble_is_not():
    assert judge(falling(120), [3.0, 1.2, 1.0, 1.004, 1.008, 1.013]).code == "overfitting"
    assert judge(falling(120), [3.0, 1.2, 1.0, 1.013, 1.004, 1.013]).code == "learning"
    assert judge(falling(120), [3.0, 0.004, 0.002, 0.003, 0.003, 0.004]).code == "learning"


def test_learning_that_does_not_carry_over_is_told():
    found = judge(falling(100), [3.0, 2.99, 2.98, 2.99, 2.98])
    assert found.code == "overfitting" and "does not generalize" in found.words


def test_a_model_that_knows_it_already_is_not_told_to_learn_faster():
    found = judge([0.02] * 100, [0.02, 0.02, 0.019, 0.02])
    assert found.code == "plateau" and "rate" not in found.advice


def test_a_loss_above_its_start_on_both_sides_has_diverged_and_on_one_is_overfitting():
    rising = [2 + n / 20 for n in range(100)]
    assert judge(rising, [2.0, 3.0, 5.0, 7.0]).code == "diverged"
    assert judge(falling(100, start=2), [2.0, 1.5, 3.0, 5.0]).code == "overfitting"


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_losses_that_are_no_numbers_have_diverged_since_the_first_of_them(bad):
    found = judge([*falling(50), bad, bad, bad])
    assert (found.code, found.since) == ("diverged", 51)
    assert judge(falling(50), [3.0, 1.0, bad]).code == "diverged"
    assert judge([*falling(50), bad, bad], [3.0, 1.0, 0.6]).code == "learning"


def test_a_run_given_up_by_its_trainer_has_diverged():
    view = fold([*story(falling(50)), events.Ended(state="failed", code="diverged")])
    assert diagnose(view).code == "diverged"


def test_a_training_loss_that_comes_back_up_is_unstable():
    losses = falling(60, noise=0.02) + [0.5 + n / 40 for n in range(60)]
    found = judge(losses, [3.0, 0.8, 0.5, 1.2, 1.9])
    assert found.code == "unstable" and "risen again" in found.words and "lower" in found.advice


def test_many_jumps_are_unstable_and_name_their_steps():
    losses = falling(200, noise=0.01)
    for n in (60, 100, 140):
        losses[n] += 5
    found = judge(losses, [3.0, 1.0, 0.6, 0.5])
    assert found.code == "unstable" and "61, 101, 141" in found.words and found.since == 61
    losses[140] -= 5
    assert judge(losses, [3.0, 1.0, 0.6, 0.5]).code == "learning"


def test_preferences_are_judged_by_how_often_they_are_right_as_well():
    metrics = [{"accuracy": share} for share in (0.5, 0.7, 0.8, 0.9)]
    found = judge([0.693] * 80, [0.693, 0.69, 0.688, 0.686], metrics=metrics)
    assert found.code == "learning" and "reward accuracy is 90 % (50 % at the start)" in found.words
    surer = judge(falling(80, 0.69, 0.01, 0), [0.69, 0.3, 0.4, 0.6], metrics=metrics)
    assert surer.code == "overfitting" and "reward accuracy stays at 90 %" in surer.words


def test_babble_is_forgetting_unless_the_base_babbles_too():
    babble = [(0, [("Yes, it is.", "Yes, it is.")]), (50, [("Yes, it is.", "G" * 60)])]
    found = judge(falling(50), [3.0, 1.0, 0.5], answers=babble)
    assert (found.code, found.since) == ("degenerate", 50) and "GGGGGGGG…" in found.words
    same = [(50, [("G" * 60, "G" * 60)])]
    assert judge(falling(50), [3.0, 1.0, 0.5], answers=same).code == "learning"


def test_a_large_first_gradient_alone_is_no_breakdown():
    norms = [20.0] * 8 + [1.0] * 92
    assert judge(falling(100, 1.5, 1.2, 0.01), [1.5, 1.3, 1.2], norms=norms).code == "learning"


def test_thousands_of_steps_take_no_more_than_a_share_of_a_second():
    view = fold(story(falling(300, noise=0.02), [3.0, 1.0, 0.5]))
    view.steps = [step.model_copy(update={"step": n + 1}) for n, step in enumerate(view.steps * 67)]
    began = time.process_time()
    diagnose(view)
    assert time.process_time() - began < 1.0


def checks(*losses):
    return [events.Evaluated(step=n, loss=loss) for n, loss in enumerate(losses)]


def test_the_model_kept_is_the_best_that_could_still_speak():
    told = fold(checks(3, 2, 1, 0.5))
    assert best_sound(told).step == 3 == told.best.step and best_sound(View()) is None
    for step, answer in ((1, "It is the sea."), (2, "G" * 40), (3, "G" * 40)):
        answers = (events.Answer(prompt="What is it?", base="The sea, I think.", tuned=answer),)
        told.add(events.Sampled(step=step, answers=answers))
    assert best_sound(told).step == 1


def test_the_last_rule_always_applies_and_steps_are_told_in_words():
    assert RULES[-1].__name__ == "_learning" and diagnose(View()).title == "Too early to say"
    assert steps_words([1, 2]) == "1, 2" and steps_words(range(6)) == "0, 1, 2, 3 and 2 more"
