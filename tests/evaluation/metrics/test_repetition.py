import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given

REPETITION = METRICS["repetition"]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("aye aye aye", 1),
        ("the sea the sea the sea is blue", 1),
        ("it is so it is so it is so", 1),
        ("the sea is blue, the sea is wide", 0),
        ("aye, aye!", 0),
        ("", 0),
        ("a b c a b d a b", 0),
    ],
)
def test_the_same_words_three_times_in_a_row_go_in_circles(text, repeats):
    assert REPETITION.value(Asked(()), Given(text)) == repeats
