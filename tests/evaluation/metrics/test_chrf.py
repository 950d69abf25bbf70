import pytest
from sacrebleu import sentence_chrf

from finetune.evaluation.metrics import METRICS, Asked, Given

CHRF = METRICS["chrf"]


@pytest.mark.parametrize("answer", ["Arr, the sea be blue!", "The sea is blue.", "", "青い海"])
def test_it_is_that_of_sacrebleu(answer):
    expected = "Arr, the sea be blue, matey!"
    found = CHRF.value(Asked((), expected), Given(answer))
    assert found == pytest.approx(sentence_chrf(answer, [expected]).score / 100)


def test_it_decides_for_free_text_and_not_for_long_one():
    assert CHRF.fits([Asked((), "some free text of a sentence or two")], None)
    assert not CHRF.fits([Asked((), "word " * 200)], None)
