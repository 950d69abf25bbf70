import pytest

from finetune.methods import MEASURES, METHODS, measure_of


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_a_measure_says_how_to_read_it(measure):
    assert measure.title and measure.short and measure.sentence.format(last="94 %").endswith(".")


def test_two_methods_may_share_a_measure_and_mean_the_same_by_it():
    assert all(MEASURES[measure.name] == measure for cls in METHODS.values() for measure in cls.measures)


def test_a_part_of_a_measure_is_read_as_the_whole_and_an_unknown_one_by_its_name():
    whole, part = measure_of("reward"), measure_of("reward/number_equal")
    assert whole is MEASURES["reward"]
    assert (part.title, part.short, part.unit) == ("Reward for number equal", "reward for number equal", whole.unit)
    assert (measure_of("kl_to_base").title, measure_of("a/b").title) == ("Kl to base", "B")
