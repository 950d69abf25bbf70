import pytest

from finetune.evaluation.difference import before_and_after, difference, opinion
from finetune.evaluation.scores import Bounds, Judged
from tests.evaluation.test_scores import HALF, score


def changed(metric, value, low, high):
    return score(metric=metric).model_copy(update={"difference": Bounds(value=value, low=low, high=high)})


@pytest.mark.parametrize(
    ("metric", "values", "words"),
    [
        ("exact_match", (0.84, 0.712, 0.92), "+84 points (+71 to +92)"),
        ("exact_match", (-0.1, -0.2, 0.001), "−10 points (−20 to 0)"),
        ("loss", (-1.25, -1.4, -1.1), "−1.25 nats (−1.40 to −1.10)"),
        ("length", (1234.5, 1000, 1500), "+1,234.5 tokens (+1,000.0 to +1,500.0)"),
    ],
)
def test_a_difference_has_its_sign_its_unit_and_its_interval(metric, values, words):
    assert difference(changed(metric, *values)) == words


def test_before_and_after_are_said_with_their_intervals():
    words = before_and_after(score().model_copy(update={"tuned": Bounds(value=0.9, low=0.8, high=1.0)}))
    assert words.startswith("Exact match: 50 % (40–60 %) before, 90 % (80–100 %) after. The difference is +20 points")
    assert HALF.value == 0.5


def test_a_judge_is_called_an_opinion():
    words = opinion(Judged(judge="big", rows=10, wins=6, losses=2, undecided=2, contradicted=1))
    assert "big, preferred tuned on 6 of 10 rows and base on 2" in words and "on 1 it chose by the order alone" in words
    assert "an opinion, not a measurement" in words
