import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given

F1 = METRICS["token_f1"]


@pytest.mark.parametrize(
    ("answer", "f1"),
    [("a b c d", 1), ("d c b a", 1), ("a b", 2 * 1 * 0.5 / 1.5), ("a a a a", 0.25), ("x", 0), ("", 0)],
)
def test_it_is_the_harmonic_mean_of_precision_and_recall(answer, f1):
    assert F1.value(Asked((), "a b c d"), Given(answer)) == pytest.approx(f1)


def test_it_needs_an_expected_answer():
    assert F1.value(Asked((), ""), Given("a")) is None and not F1.fits([Asked((), "")], None)
