from finetune.evaluation.metrics import METRICS, Asked, Given

EXACT = METRICS["exact_match"]


def test_white_space_case_and_marks_around_it_do_not_count():
    row = Asked((), "New York")
    assert EXACT.value(row, Given(" new  york.")) == 1 and EXACT.value(row, Given("York")) == 0
    assert EXACT.value(Asked((), ""), Given("")) is None


def test_it_decides_for_short_answers_alone():
    assert EXACT.fits([Asked((), "New York")], None)
    assert not EXACT.fits([Asked((), "a b c d e f g")], None) and not EXACT.fits([Asked((), "")], None)


def test_the_answer_behind_a_thought_counts():
    assert EXACT.value(Asked((), "<think>hm</think>4"), Given("4")) == 1
