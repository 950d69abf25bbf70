import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given

PAIRS = METRICS["pair_accuracy"]


@pytest.mark.parametrize(("margin", "value"), [(0.1, 1), (-0.1, 0), (0.0, 0.5), (None, None)])
def test_the_likelier_answer_is_the_chosen_one(margin, value):
    assert PAIRS.value(Asked(()), Given(margin=margin)) == value


def test_it_needs_pairs():
    pair = Asked((), example={"prompt": [], "chosen": [], "rejected": []})
    assert PAIRS.fits([pair], None) and not PAIRS.fits([pair, Asked(())], None)
