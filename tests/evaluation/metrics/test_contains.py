from finetune.evaluation.metrics import METRICS, Asked, Given
from finetune.evaluation.metrics.contains import in_order

CONTAINS = METRICS["contains"]


def test_the_words_that_decide_may_stand_in_any_voice():
    row = Asked((), "The capital of France is Paris.", ("Paris",))
    assert CONTAINS.value(row, Given("Arr, it be Paris, matey!")) == 1
    assert CONTAINS.value(row, Given("Parisian things")) == 0


def test_several_words_stand_in_their_order():
    row = Asked((), "8 comes before 9", ("8", "9"))
    assert CONTAINS.value(row, Given("8, then 9")) == 1 and CONTAINS.value(row, Given("9, then 8")) == 0
    assert in_order([], ["a"]) and not in_order(["a", "a"], ["a"])


def test_without_a_key_the_whole_answer_is_asked_for():
    assert CONTAINS.value(Asked((), "New York"), Given("It is New York City.")) == 1
    assert CONTAINS.value(Asked((), ""), Given("x")) is None
    assert CONTAINS.fits([Asked((), "a sentence of more than five words", ("a",))], None)
