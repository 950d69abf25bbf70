import pytest

from finetune import format


@pytest.mark.parametrize(
    "size, words",
    [
        (0, "0 bytes"),
        (999, "1.0 kB"),
        (500, "500 bytes"),
        (930 * 2**20, "930 MB"),
        (2**30, "1.0 GB"),
        (23.4 * 2**30, "23 GB"),
    ],
)
def test_a_size_has_two_figures(size, words):
    assert format.size(size) == words


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.2, "0 s"),
        (18, "18 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (754, "12 min"),
        (3780, "1 h 3 min"),
        (7200, "2 h"),
    ],
)
def test_a_time_span_has_its_two_largest_units(seconds, words):
    assert format.duration(seconds) == words


def test_numbers_and_their_nouns_agree():
    assert [format.counted(n, "row") for n in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]
    assert format.counted(2, "pair of answers", "pairs of answers") == "2 pairs of answers"


def test_more_than_nothing_is_never_0_percent_and_less_than_all_never_100():
    assert [format.percent_of(*each) for each in ((1, 3), (1, 1000), (999, 1000), (5, 5))] == [
        "33 %",
        "less than 1 %",
        "more than 99 %",
        "100 %",
    ]
    assert format.percent(0.126) == "13 %" and format.amount(1234.4) == "1,234"


@pytest.mark.parametrize("seconds, words", [(3, "10 s"), (47, "50 s"), (200, "3 min"), (8000, "2 h")])
def test_an_estimated_time_has_one_unit(seconds, words):
    assert format.rough_duration(seconds) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (2.1 * 2**30, 15 * 2**30, "2.1 of 15 GB"),
        (640 * 2**20, 15 * 2**30, "640 MB of 15 GB"),
        (0, 2**20, "0 bytes of 1.0 MB"),
    ],
)
def test_a_part_of_some_bytes_shares_their_unit(part, whole, words):
    assert format.size_of(part, whole) == words
