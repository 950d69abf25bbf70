import pytest

from finetune.methods import MEASURES, METHODS


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_a_measure_says_how_to_read_it(measure):
    assert measure.title and measure.short and measure.sentence.format(last="94 %").endswith(".")


def test_two_methods_may_share_a_measure_and_mean_the_same_by_it():
    assert all(MEASURES[measure.name] == measure for cls in METHODS.values() for measure in cls.measures)
