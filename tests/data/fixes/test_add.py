from finetune.data.fixes.add import Add
from finetune.data.fixes.correct import Correct
from tests.rows import clean, read


def test_an_added_row_is_the_last_and_has_the_next_number():
    added = Add(values={"prompt": "Why?", "completion": "Because."})
    dataset = read(clean(3), added)
    assert dataset.rows == [1, 2, 3, 4] and dataset.total_rows == 4
    assert "Because." in str(dataset.examples[3])


def test_an_added_row_can_be_corrected():
    added = Add(values={"prompt": "Why?", "completion": "Because."})
    dataset = read(clean(3), added, Correct(row=4, values={"completion": "Who knows."}))
    assert "Who knows." in str(dataset.examples[3]) and dataset.total_rows == 4


def test_the_words_say_so():
    assert Add(values={"a": 1}).words == "One row was added."
