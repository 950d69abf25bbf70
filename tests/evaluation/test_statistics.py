"""Against statsmodels and scipy's other routes, on random inputs; and null experiments against the nominal rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.descriptivestats import sign_test as their_sign_test
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from finetune.evaluation.statistics import holm, mean_interval, paired_test, sign_test, wilson

FEW = settings(max_examples=25, deadline=None)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@FEW
def test_wilson_is_that_of_statsmodels(case):
    wins, count = case
    low, high = proportion_confint(wins, count, method="wilson")
    found = wilson(wins, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert found.low <= found.value <= found.high


@given(st.integers(0, 200), st.integers(0, 200))
@FEW
def test_the_sign_test_is_that_of_statsmodels(wins, losses):
    if not wins + losses:
        assert sign_test(0, 0) == 1
        return
    _, p = their_sign_test(np.array([1.0] * wins + [-1.0] * losses))
    assert sign_test(wins, losses) == pytest.approx(p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@FEW
def test_holm_is_that_of_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_right_and_wrong_answers_give_the_exact_mcnemar_test():
    from statsmodels.stats.contingency_tables import mcnemar

    base, tuned = [1] * 5 + [0] * 20 + [1] * 9 + [0] * 6, [0] * 5 + [1] * 20 + [1] * 9 + [0] * 6
    assert paired_test(base, tuned) == pytest.approx(mcnemar([[9, 5], [20, 6]], exact=True).pvalue)


def test_values_in_degrees_agree_with_the_t_test_where_that_holds():
    rng = np.random.default_rng(0)
    base = rng.normal(size=120)
    tuned = base + rng.normal(0.25, 1, 120)
    assert paired_test(base, tuned) == pytest.approx(stats.ttest_rel(tuned, base).pvalue, abs=0.01)


def test_few_rows_are_tested_exactly():
    assert paired_test([0, 0, 0, 0], [1.0, 2.0, 3.0, 4.0]) == pytest.approx(2 / 2**4)
    assert paired_test([0.5], [0.5]) == 1


def test_the_bootstrap_interval_of_a_mean_is_near_that_of_the_t_distribution():
    values = np.random.default_rng(1).normal(3, 2, 200)
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high), abs=0.04)
    assert mean_interval([2.0, 2.0]).low == 2 and mean_interval([1.0]).high == 1


def test_equal_data_give_equal_figures():
    values, others = np.random.default_rng(2).random((2, 30))
    assert mean_interval(values) == mean_interval(values)
    assert paired_test(values, others) == paired_test(values, others)


@pytest.mark.parametrize("kind", ["degrees", "right or wrong"])
def test_base_against_itself_is_told_apart_in_about_one_of_twenty(kind):
    """500 null experiments of 40 rows each: both models answer alike but for chance."""
    rng = np.random.default_rng(3)
    draw = rng.random if kind == "degrees" else (lambda shape: rng.integers(0, 2, shape).astype(float))
    rejected = sum(paired_test(*draw((2, 40))) < 0.05 for _ in range(500))
    assert 0 < rejected <= 40  # 25 expected; 40 is three standard deviations above


def test_a_thousand_votes_by_chance_are_told_apart_in_about_one_of_twenty():
    wins = np.random.default_rng(4).binomial(1000, 0.5, 500)
    rejected = sum(sign_test(int(each), 1000 - int(each)) < 0.05 for each in wins)
    covered = sum(wilson(int(each), 1000).low <= 0.5 <= wilson(int(each), 1000).high for each in wins)
    assert 10 <= rejected <= 40 and 460 <= covered <= 490
