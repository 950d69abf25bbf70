import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.methods import measure_of
from finetune.paths import ASSETS
from finetune.runs import events
from finetune.runs.diagnosis import TITLES, Diagnosis
from finetune.runs.view import View, fold
from finetune.ui.train import chart


def step(n, loss, **metrics):
    return events.Stepped(step=n, epoch=0, loss=loss, learning_rate=0, metrics=metrics)


def test_there_is_no_chart_before_the_first_step():
    assert chart.main_charts(View()) == "" == chart.loss_chart(View())


def test_held_out_losses_are_dots_and_the_sentence_names_both_ends(write_run):
    html = chart.main_charts(write_run().view())
    assert html.count("<circle class='held-out'") == 3
    assert "The held-out loss fell from 3.200 to 1.200." in html
    assert "role='img' aria-label=" in html


def test_the_diagnosis_stands_under_the_chart_with_its_advice_and_in_what_is_spoken():
    html = chart.main_charts(fold(events.Evaluated(step=n, loss=loss) for n, loss in [(0, 3.0), (10, 1.0), (20, 1.4)]))
    assert "<div class='diagnosis overfitting'><p><strong>Overfitting.</strong>" in html
    assert "fewer epochs" in html and re.search(r"aria-label='[^']*best at step 10", html)


def test_a_loss_spike_is_warned_of():
    even = [step(n, 1.0) for n in range(1, 61)]
    assert "spike" not in chart.main_charts(fold(even))
    html = chart.main_charts(fold([*even, step(61, 4.0), step(62, 1.0)]))
    assert "Loss spike at step 61." in html and "notice warning" in html


def test_every_diagnosis_but_that_it_is_too_early_has_a_color():
    css = (ASSETS / "studio.css").read_text(encoding="utf-8")
    rules = re.findall(r"^\.diagnosis[:.].*\{", css, re.MULTILINE)
    assert all(any(f".{code}" in rule for rule in rules) for code in TITLES if code != "early")


def test_a_diagnosis_is_escaped():
    assert "&lt;b&gt;" in chart.diagnosed(Diagnosis("degenerate", "It says “<b>…”.", "x"))


def test_each_measure_has_its_own_chart_and_a_share_is_in_percent():
    view = fold(
        [step(1, 0.7, accuracy=0.5, margin=0.0), events.Evaluated(step=1, loss=0.7, metrics={"accuracy": 0.94})]
    )
    html = chart.main_charts(view)
    assert html.count("<figure") == 3 and "the chosen answer 94 % of the time" in html and ">100 %<" in html


def test_losses_that_are_no_numbers_are_left_out():
    html = chart.loss_chart(fold([step(1, 2.0), step(2, math.nan), step(3, math.inf), step(4, 1.0)]))
    assert "nan" not in html.lower() and "inf" not in html.lower()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900))
def test_thinned_points_are_few_and_keep_the_last(values):
    points = list(enumerate(values))
    thin = chart.thinned(points, most=50)
    assert len(thin) <= 50 and thin[-1] == points[-1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_smoothed_values_stay_between_the_extremes(values):
    smooth = [value for _, value in chart.smoothed(list(enumerate(values)))]
    slack = 1e-6 * (abs(max(values, key=abs)) + 1)
    assert all(min(values) - slack <= value <= max(values) + slack for value in smooth)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_rising_and_inside(low, span):
    found = chart.ticks(low, low + span)
    assert len(found) <= 11 and found == sorted(found)
    assert all(low - span * 1e-3 <= tick <= low + span * 1.001 for tick in found)


@settings(max_examples=60)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_any_losses_can_be_drawn_inside_the_frame(losses):
    html = chart.loss_chart(fold(step(n + 1, loss) for n, loss in enumerate(losses)))
    ys = [float(y) for points in re.findall(r"points='([^']*)'", html) for y in re.findall(r",(\S+)", points)]
    assert all(0 <= y <= chart.HEIGHT for y in ys)


@pytest.mark.parametrize("last", [8, 114, 3000, 100_000, 20_000_000])
def test_every_step_on_the_axis_is_written_inside_the_chart(last):
    html = chart.loss_chart(fold([step(1, 2.0), step(last, 1.0)]))
    labels = re.findall(
        rf"<text x='(\S+)' y='{chart.HEIGHT - chart.BOTTOM + 16}' text-anchor='(\w+)'>(\S+)</text>", html
    )
    assert labels[-1][2] == f"{chart.ticks(0, last)[-1]:,.0f}"
    for x, anchor, words in labels:
        beyond = {"middle": 0.5, "end": 0.0}[anchor] * chart.DIGIT * len(words)
        assert float(x) + beyond <= chart.WIDTH


@pytest.mark.parametrize("value, words", [(0, "0"), (0.00123, "0.0012"), (1.5, "1.5"), (3.241, "3.24"), (512.7, "513")])
def test_values_have_the_figures_a_reader_can_use(value, words):
    assert chart.figures(value) == words


def test_a_measure_that_no_method_declares_has_a_chart_under_its_own_name():
    view = fold([step(1, 0.7, kl_to_base=0.5), events.Evaluated(step=1, loss=0.7, metrics={"kl_to_base": 0.25})])
    html = chart.main_charts(view)
    assert "<strong>Kl to base</strong>" in html and "%" not in html
    assert chart.value_words(measure_of("kl_to_base"), 0.25) == "0.25"
    assert chart.value_words(measure_of("accuracy"), 0.25) == "25 %"


def sampled(steps=12, **rewards):
    """A run with reinforcement learning: its loss hovers around zero while the reward rises."""
    measures = {"reward": 0.1, "kl": 0.01, "length": 9.0, "no_spread": 0.2, "clipped": 0.0, **rewards}
    yield events.Queued(name="sums", method="grpo")
    for n in range(1, steps + 1):
        yield step(n, 0.001 * (-1) ** n, **measures | {"reward": n / steps})
        if n % 4 == 0:
            yield events.Evaluated(step=n, loss=0.0, metrics={"reward": n / steps})


def test_a_method_whose_loss_says_nothing_shows_what_it_is_judged_by_in_its_place():
    html = chart.main_charts(fold(sampled()))
    titles = re.findall("<figcaption><strong>(.*?)</strong>", html)
    assert titles == ["Reward: what its answers earn", "KL divergence: how far it has moved from the base"]
    assert "<div class='diagnosis learning'>" in html and "On held-out rows its reward is 1.000" in html
    assert "spike" not in html


def test_the_measures_come_in_the_methods_order_and_unknown_ones_after_them():
    view = fold(sampled(**{"reward/number": 0.5, "reward/length": 0.2}))
    names = ["reward", "kl", "length", "no_spread", "clipped", "reward/number", "reward/length"]
    assert chart.metric_names(view) == names
