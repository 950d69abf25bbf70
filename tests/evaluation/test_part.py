from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from finetune.evaluation.metrics import Asked, Given
from finetune.evaluation.part import part_of
from finetune.evaluation.statistics import holm

RUN = SimpleNamespace(recipe=SimpleNamespace(method=SimpleNamespace(generates=False)))
TURN = ({"role": "user", "content": "?"},)


def both(base, tuned, **more):
    return Given(base, 2, **more), Given(tuned, 3, **more)


def test_the_rows_choose_the_main_metric_and_every_other_that_fits_is_taken():
    asked = [Asked(TURN, each) for each in ["yes", "no"] * 10]
    found = part_of("asked", "a.csv", asked, [both("no", each.expected) for each in asked], 40, RUN)
    assert (
        found.main == "label"
        and found.reason == "the expected answers are 2 labels"
        and (found.rows, found.of) == (20, 40)
    )
    assert {score.metric for score in found.scores} >= {
        "label",
        "exact_match",
        "contains",
        "chrf",
        "truncated",
        "length",
    }
    label = found.deciding
    assert (label.base.value, label.tuned.value, label.difference.value) == (0.5, 1.0, 0.5)
    assert label.p == pytest.approx(stats.binomtest(10, 10).pvalue) and label.p_adjusted == label.p
    assert label.outcome == "better"
    assert found.confusion.labels == ("yes", "no")
    assert found.confusion.base == ((0, 10, 0), (0, 10, 0)) and found.confusion.tuned == ((10, 0, 0), (0, 10, 0))


def test_the_other_metrics_are_read_at_once_and_adjusted_together():
    rng = np.random.default_rng(0)
    asked = [Asked(TURN, "some free text that is longer than a word") for _ in range(30)]
    texts = ["some free text", "that is longer", "than a word", "nothing of it"]
    given = [both(*(texts[n] for n in rng.integers(0, 4, 2))) for _ in asked]
    found = part_of("asked", "a", asked, given, 30, RUN)
    others = [score for score in found.scores if score.better and score.metric != found.main]
    assert [score.p_adjusted for score in others] == pytest.approx(holm([score.p for score in others]))
    assert found.main == "chrf" and len(others) >= 3


def test_a_loss_is_the_mean_of_all_tokens():
    asked = [Asked((), example={"text": "x"}) for _ in range(3)]
    losses, tokens = (2.0, 1.0, 4.0), (10, 30, 60)
    given = [(Given(loss=a, loss_tokens=n), Given(loss=a / 2, loss_tokens=n)) for a, n in zip(losses, tokens)]
    found = part_of("asked", "a", asked, given, 3, RUN)
    assert [score.metric for score in found.scores] == ["loss"]
    assert found.deciding.base.value == pytest.approx(sum(a * n for a, n in zip(losses, tokens)) / 100)
    assert found.deciding.tuned.value == pytest.approx(found.deciding.base.value / 2)


def test_general_questions_are_asked_for_knowledge_in_any_voice():
    asked = [Asked(TURN, "It is Paris.", ("Paris",)), Asked(TURN, "It is 9.", ("9",))]
    found = part_of("general", "g", asked, [both("It is Paris.", "Arr, Paris!"), both("It is 9.", "Arr, 8!")], 2, RUN)
    assert found.main == "contains" and found.deciding.tuned.value == 0.5
    assert {score.metric for score in found.scores} == {"contains", "truncated", "repetition", "length"}


def test_rows_without_anything_to_measure_are_no_part():
    assert part_of("asked", "a", [Asked((), example={"text": ""})], [both("", "")], 1, RUN) is None


def test_base_against_itself_is_never_better():
    asked = [Asked(TURN, "yes"), Asked(TURN, "no")] * 10
    found = part_of("asked", "a", asked, [both("yes", "yes") for _ in asked], 20, RUN)
    assert all(score.outcome == "unclear" for score in found.scores if score.metric != "length")
