from finetune.data.fixes.deduplicate import NEAR_REASON, REASON, Deduplicate
from tests.rows import clean, read


def repeating():
    rows = clean(6)
    rows[2] = dict(rows[0])
    rows[4] = {"prompt": rows[1]["prompt"].upper(), "completion": rows[1]["completion"]}
    return rows


def test_the_first_of_equal_rows_is_kept():
    dataset = read(repeating(), Deduplicate())
    assert dataset.rows == [1, 2, 4, 5, 6]
    assert [(row.row, row.reason) for row in dataset.rejected] == [(3, REASON)]


def test_near_duplicates_are_left_out_only_if_requested():
    dataset = read(repeating(), Deduplicate(near=True))
    assert dataset.rows == [1, 2, 4, 6]
    assert [(row.row, row.reason) for row in dataset.rejected] == [(3, REASON), (5, NEAR_REASON)]


def test_a_dataset_without_repeats_is_the_same():
    dataset = read(clean(6))
    assert Deduplicate(near=True).on_dataset(dataset) is dataset


def test_the_words_say_whether_near_duplicates_count():
    assert Deduplicate().words == "Duplicates of earlier rows were left out."
    assert "near-duplicates" in Deduplicate(near=True).words
