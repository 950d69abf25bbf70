from finetune.evaluation.metrics import METRICS, Asked, Given

NUMBER = METRICS["number"]


def test_answers_that_are_numbers_or_mark_one_are_compared_by_it():
    rows = [Asked((), each) for each in ("12", "so #### 1,319", "\\boxed{4}", "$7.50", "12 %")]
    assert NUMBER.fits(rows, None) == "the expected answers are numbers"
    assert not NUMBER.fits([Asked((), "He has 3 apples.")], None)


def test_the_last_number_of_the_answer_counts():
    row = Asked((), "9 + 3 = 12 #### 12")
    assert NUMBER.value(row, Given("First 9, then 12.")) == 1
    assert NUMBER.value(row, Given("12 or 13")) == 0 and NUMBER.value(row, Given("twelve")) == 0
    assert NUMBER.value(Asked((), "none"), Given("12")) is None
