import re
from xml.etree import ElementTree

import pytest

from finetune.evaluation.interval_chart import LEFT, RIGHT, WIDTH, chart, scale
from finetune.evaluation.scores import Bounds
from tests.scored import score


def test_bars_are_as_long_as_the_values_and_lines_as_wide_as_the_intervals():
    drawn = ElementTree.fromstring(chart(score(base=0.25, tuned=0.75)))
    bars = [float(each.get("width")) for each in drawn.iter("rect")]
    whole = WIDTH - LEFT - RIGHT
    assert bars == pytest.approx([whole / 4, whole * 3 / 4], abs=0.1)
    lines = [each.get("d") for each in drawn.iter("path") if each.get("class") == "whisker"]
    ends = [[float(each) for each in re.match(r"M([\d.]+) [\d.]+H([\d.]+)", line).groups()] for line in lines]
    assert ends[0] == pytest.approx([LEFT + whole * 0.15, LEFT + whole * 0.35], abs=0.1)


def test_it_says_the_same_to_those_who_cannot_see_it():
    assert "aria-label='Exact match: base 25 %, tuned 75 %'" in chart(score(base=0.25, tuned=0.75))


@pytest.mark.parametrize(
    ("base", "tuned", "ends"),
    [
        (3.2, 1.0, (0, 4)),
        (-0.4, 0.3, (-0.5, 0.4)),
        (-2.2, -1.2, (-2.5, 0)),
        (0.0, 0.0, (-0.1, 0.1)),
        (70, 130, (0, 200)),
    ],
)
def test_the_axis_begins_at_zero_and_ends_at_a_round_number(base, tuned, ends):
    assert scale(score("loss", base, tuned, better="lower")) == pytest.approx(ends)


def test_values_without_any_width_are_drawn():
    flat = Bounds(value=0.0, low=0.0, high=0.0)
    assert "<svg" in chart(score("loss").model_copy(update={"base": flat, "tuned": flat}))
    assert scale(score()) == (0.0, 1.0)
