import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finetune.methods import measure_of
from finetune.paths import ASSETS
from finetune.runs import events
from finetune.runs.view import fold
from finetune.ui.train.chart import HEIGHT
from finetune.ui.train.overlay import LABEL_HEIGHT, MOST, RunLine, figure, swatch

CSS = (ASSETS / "studio.css").read_text(encoding="utf-8")


def line(*held_out, name="pirate", number="1", training=()):
    return RunLine(name, number, list(enumerate(training)), [(n * 10, loss) for n, loss in enumerate(held_out)])


def test_without_a_point_there_is_no_chart():
    assert figure([]) == "" == figure([line(), line()])


def test_each_run_has_its_line_its_number_at_the_end_and_its_name_in_the_legend():
    html = figure([line(3.0, 1.0, name="a <b>", number="3"), line(3.0, 2.0, name="two", number="14")])
    assert "class='run-0'" in html and "class='run-1'" in html and "a &lt;b&gt;" in html
    assert re.search(r"<text class='run-0 end'[^>]*>3</text>", html) and ">14</text>" in html
    assert "two ends at 2" in html


def test_a_run_without_evaluations_is_shown_by_its_training_loss():
    html = figure([line(training=[3.0, 2.0, 1.0])])
    assert html.count("<polyline") == 1 and "polyline class='held-out'" in html
    assert figure([line(3.0, 1.0, training=[3.0, 2.0])]).count("<polyline") == 2


def test_the_ends_are_in_view_and_a_high_start_is_clipped():
    html = figure([line(90.0, 1.0, 0.9, 0.8)])
    assert "Clipped at the top" in html and "Clipped" not in figure([line(1.0, 0.9, 0.8)])
    last = float(re.findall(r",(-?[\d.]+)'", html)[0])
    assert 0 < last < HEIGHT


@settings(max_examples=50)
@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), min_size=1, max_size=MOST))
@example([[0.0], [0.0], [0.0], [0.0], [0.0, 1.0]])
def test_numbers_at_the_ends_never_overlap_and_stay_in_the_picture(runs):
    html = figure([line(*losses, number=str(n)) for n, losses in enumerate(runs)])
    heights = sorted(float(y) for y in re.findall(r"end' x='[^']*' y='([^']*)'", html))
    assert len(heights) == len(runs) and heights[0] >= 0 and heights[-1] <= HEIGHT
    assert all(b - a >= LABEL_HEIGHT - 0.11 for a, b in zip(heights, heights[1:]))


def test_no_two_runs_share_their_dashes_and_each_has_a_color_for_light_and_dark():
    dashes = re.findall(r"^\.run-\d \{[^}]*--dash: ([^;]+);", CSS, re.MULTILINE)
    assert len(dashes) == len(set(dashes)) == MOST
    assert len(re.findall(r"^\.dark \.run-\d \{ --run:", CSS, re.MULTILINE)) == MOST
    assert "run-7" in swatch(7) and "run-0" in swatch(8)


@pytest.mark.parametrize("dark, ground", [(False, "#ffffff"), (True, "#0f172a")])
def test_every_color_stands_out_from_the_ground(dark, ground):
    colors = re.findall(rf"^{'.dark ' if dark else ''}\.run-\d \{{ --run: (#\w+);", CSS, re.MULTILINE)
    assert len(colors) == MOST and all(contrast(color, ground) >= 3 for color in colors)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1; 3 is asked of what is drawn (1.4.11)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    shares = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_better_if_higher_is_in_view_to_its_top():
    steps = [events.Evaluated(step=n, loss=0, metrics={"reward": n / 10}) for n in range(11)]
    one = RunLine.of("1 a", "1", fold(steps), measure_of("reward"))
    assert one.held_out[-1] == (10, 1.0) and one.training == []
    html = figure([one], measure_of("reward"))
    assert "Held-out reward of each run" in html and "Higher is better" in html and "Clipped" not in html
