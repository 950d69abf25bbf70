"""Early stopping, with patience."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from finetune.runs.early_stopping import should_stop
from finetune.runs.events import Evaluated


def checks(*losses):
    return [Evaluated(step=n, loss=loss) for n, loss in enumerate(losses)]


def test_patience_counts_checks_without_progress():
    assert not should_stop(checks(3, 2, 2.1), 2) and should_stop(checks(3, 2, 2.1, 2.0), 2)
    assert not should_stop(checks(3, 2, 2.1, 1.9, 2.0), 2)
    assert not should_stop([], 1) and not should_stop(checks(3, 4, 5, 6), 0)


def test_progress_smaller_than_asked_for_is_none_but_adds_up():
    assert should_stop(checks(3, 2.99, 2.98), 2, least=0.1)
    assert not should_stop(checks(3, 2.95, 2.89, 2.84), 2, least=0.1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_is_no_progress(bad):
    assert should_stop(checks(3, bad, bad), 2) and should_stop(checks(bad, bad), 2)
    assert not should_stop(checks(bad, 3), 2)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(1, 8), st.floats(0, 1))
@example([1.0, 1.0, 1.0], 2, 0.0)
def test_a_run_that_keeps_improving_never_stops_and_more_patience_stops_later(losses, patience, least):
    stops = should_stop(checks(*losses), patience, least)
    assert stops or not should_stop(checks(*losses), patience + 1, least)
    downwards = [10 - n * (least + 0.1) for n in range(10)]
    assert not should_stop(checks(*downwards), patience, least)
