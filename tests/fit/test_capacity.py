import pytest

from finetune.fit.capacity import FITS, GIB, GPUS_GB, TIGHT, TOO_BIG, usual_gpus, verdict


@pytest.mark.parametrize(("needed", "word"), [(0, FITS), (80, FITS), (90, TIGHT), (100, TIGHT), (101, TOO_BIG)])
def test_what_nearly_fills_the_memory_is_tight(needed, word):
    assert verdict(needed, 100) == word


@pytest.mark.parametrize("needed", [1, 7, 9, 20, 70, 150, 500])
def test_a_larger_card_is_never_worse(needed):
    order = [FITS, TIGHT, TOO_BIG]
    words = list(usual_gpus(needed * GIB).values())
    assert len(words) == len(GPUS_GB)
    assert [order.index(word) for word in words] == sorted((order.index(word) for word in words), reverse=True)


def test_a_card_holds_less_than_its_name_says():
    assert usual_gpus(23.9 * GIB)["24 GB"] == TOO_BIG and usual_gpus(10 * GIB)["12 GB"] != TOO_BIG
