from collections import Counter

import pytest

from finetune.data.histogram import bins_of, percentile


@pytest.mark.parametrize(
    "values, bins",
    [
        ([], []),
        ([7], [(7, 7, 1)]),
        ([2, 2, 4], [(2, 2, 2), (3, 3, 0), (4, 4, 1)]),
        ([0, 39], [(n, n + 1, 1 if n in (0, 38) else 0) for n in range(0, 40, 2)]),
    ],
)
def test_bins_are_round_and_hold_all_values(values, bins):
    assert bins_of(Counter(values)) == bins


def test_the_longest_rows_share_the_last_bin():
    bins = bins_of(Counter({**dict.fromkeys(range(100, 500), 1), 9999: 1}), scale=3)
    assert bins[0] == (100, 119, 60) and len(bins) <= 21
    assert bins[-1][1] == 9999 and sum(count for *_, count in bins) == 3 * 401


def test_a_percentile_is_the_smallest_value_that_suffices():
    lengths = Counter(range(1, 201))
    assert [percentile(lengths, percent) for percent in (50, 98, 99, 100)] == [100, 196, 198, 200]
    assert percentile(Counter(), 99) == 0
