import pytest

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Bounds
from finetune.evaluation.words import by_chance, interval, said, value
from tests.evaluation.figures import score


@pytest.mark.parametrize(
    ("metric", "number", "words"),
    [("chrf", 0.584, "58 %"), ("loss", 0.8971, "0.90 nats"), ("length", 1.2, "1 token"), ("reward", 0.5, "0.50")],
)
def test_a_value_has_its_unit(metric, number, words):
    assert value(METRICS[metric], number) == words


def test_an_interval_says_its_unit_once():
    bounds = Bounds(value=0.5, low=0.412, high=0.6)
    assert interval(METRICS["label"], bounds) == "41–60 %"
    assert interval(METRICS["loss"], bounds) == "0.41–0.60 nats"
    assert interval(METRICS["reward"], bounds) == "0.41–0.60"
    assert interval(METRICS["loss"], Bounds(value=-6.5, low=-6.61, high=-6.414)) == "−6.61 to −6.41 nats"


def test_a_score_is_a_clause_with_both_values():
    assert said(score("chrf", 0.43, 0.58)) == "its answers are 58 % like the expected ones (43 % before)"


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0002, "less than once in 1,000 times"),
        (0.001, "about once in 1,000 times"),
        (0.0123, "about once in 81 times"),
        (0.05, "about once in 20 times"),
        (0.3, "about once in 3 times"),
        (0.7, "more often than not"),
        (1.0, "more often than not"),
    ],
)
def test_how_often_chance_does_this(p, words):
    assert by_chance(p) == words
