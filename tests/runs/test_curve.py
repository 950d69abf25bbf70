import math
import random

from hypothesis import given
from hypothesis import strategies as st

from finetune.runs import events
from finetune.runs.curve import LEAST_BLOCK, MOST_BLOCKS, Curve, blocks, lately, measured, repetition, spikes, trend
from finetune.runs.view import fold
from tests.strategies import any_event

losses = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=120)


@given(losses)
def test_spikes_are_positions_in_order_and_a_non_finite_loss_is_one(values):
    found = spikes(values)
    assert found == sorted(set(found)) and all(0 <= index < len(values) for index in found)
    assert {n for n, value in enumerate(values) if not math.isfinite(value)} <= set(found)


@given(st.lists(st.floats(0.9, 1.1), max_size=200))
def test_a_smooth_curve_has_no_spikes(values):
    assert spikes(values) == []


def test_a_spike_is_found_where_it_is_and_does_not_hide_the_next():
    noise = random.Random(3)
    values = [2 * 0.97**n + noise.gauss(0.5, 0.03) for n in range(200)]
    values[80] += 3
    values[85] += 3
    assert spikes(values) == [80, 85]


def test_a_level_shift_is_a_few_spikes_and_then_the_new_usual():
    assert spikes([1.0] * 100 + [3.0] * 100) == [100, 101, 102]


def test_the_first_fall_is_no_spike_and_hides_none_later():
    values = [10 * 0.9**n for n in range(40)] + [0.2] * 40 + [2.0]
    assert spikes(values) == [80]


@given(st.lists(st.floats(-1e6, 1e6), max_size=3000))
def test_blocks_are_few_and_end_at_the_last_step(values):
    points = list(enumerate(values))
    found = blocks(points)
    assert len(found) <= MOST_BLOCKS and (not points or found[-1][0] == points[-1][0])
    assert len(points) < LEAST_BLOCK or len(found) <= len(points) / LEAST_BLOCK


def test_a_trend_is_distinguished_from_noise():
    noise = random.Random(1)
    falling = [(n, 5 - n / 10 + noise.gauss(0, 0.1)) for n in range(20)]
    flat = [(n, 5 + noise.gauss(0, 0.1)) for n in range(20)]
    rise, significant = trend(falling)
    assert significant and abs(rise + 1.9) < 0.2
    assert not trend(flat)[1] and trend(falling[:3]) == (0.0, False)


def test_one_outlier_does_not_turn_a_trend():
    points = [(n, 5 - n / 10) for n in range(20)]
    points[4] = (4, 900.0)
    rise, significant = trend(points)
    assert significant and abs(rise + 1.9) < 0.1


@given(st.lists(any_event(), max_size=60))
def test_any_run_has_a_curve_of_numbers_only(events):
    view = fold(events)
    curve = Curve.of(view)
    assert all(math.isfinite(value) for series in (curve.training, curve.held_out, curve.blocks) for _, value in series)
    assert curve.best_step is None or curve.best_step in [evaluation.step for evaluation in view.evaluations]
    assert set(curve.bad) <= set(curve.spikes) <= {step.step for step in view.steps}


def test_a_plateau_starts_at_the_first_evaluation_that_was_as_good_as_the_best():
    def plateau(*losses):
        evaluations = [events.Evaluated(step=n * 10, loss=loss) for n, loss in enumerate(losses)]
        return Curve.of(fold(evaluations)).plateau_since

    assert plateau(3.0, 2.0, 1.01, 1.0, 1.005, 1.0) == 20
    assert plateau(3.0, 2.5, 2.0, 1.5, 1.0) is None
    assert plateau(3.0, 1.0, 1.0) is None


def test_repetition_distinguishes_text_from_degenerate_output():
    assert repetition("Arr, a bat be smaller than a goose, me hearty, and so it will ever be!") < 0.3
    assert repetition("," * 64) > 0.9 and repetition("ha ha ha ha ha ha ha ha ha ha ha ha ha ha") > 0.8
    assert repetition("No.") == 0


def stepped(n, **metrics):
    return events.Stepped(step=n, epoch=0, loss=1, learning_rate=1, metrics=metrics)


def test_a_measure_is_that_of_the_evaluations_if_there_are_two_else_that_of_training():
    training = [stepped(n, reward=float(n)) for n in range(1, 11)]
    assert measured(fold(training), "reward") == [(5, 3.0), (10, 8.0)]
    evaluated = [events.Evaluated(step=n, loss=1, metrics={"reward": n / 10}) for n in (0, 10)]
    assert measured(fold([*training, *evaluated]), "reward") == [(0, 0.0), (10, 1.0)]
    assert measured(fold(training), "kl") == []


def test_lately_is_the_mean_of_the_last_third_of_the_values_that_are_numbers():
    assert lately(fold(stepped(n, kl=float(n)) for n in range(1, 7)), "kl") == 5.5
    assert lately(fold([*(stepped(n, kl=1.0) for n in range(1, 7)), stepped(7, kl=math.nan)]), "kl") == 1.0
    assert lately(fold(stepped(n, kl=1.0) for n in range(1, 6)), "kl") is None


def test_a_share_that_is_better_if_lower_is_not_what_a_method_is_praised_for():
    view = fold([events.Queued(name="x", method="grpo"), events.Evaluated(step=1, loss=0, metrics={"no_spread": 0.5})])
    assert Curve.of(view).share == [] and Curve.of(view).share_name == ""
