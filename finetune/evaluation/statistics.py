"""Intervals and tests: could the difference be chance?

All intervals are of 95 %, all tests two-sided. Random draws have a fixed seed, so that equal data give equal figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.05
"""The share of null experiments in which a test finds a difference all the same."""
RESAMPLES = 2000
"""Bootstrap samples. The ends of an interval then vary by about 3 % of its width from seed to seed."""
PERMUTATIONS = 9_999
"""Permutations of a test that is not exact: a p-value of 0.05 is then known to ±0.004."""
SEED = 7


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def wilson(wins: int, count: int) -> Interval:
    """The share ``wins / count`` with its Wilson score interval (Wilson 1927); ``count`` is at least 1."""
    from scipy.stats import binomtest

    found = binomtest(wins, count).proportion_ci(1 - ALPHA, method="wilson")
    return Interval(wins / count, float(found.low), float(found.high))


def sign_test(wins: int, losses: int) -> float:
    """The p-value of the exact sign test: how often a fair coin gives a split of ``wins`` to ``losses`` or a rarer one.

    Ties are left out before (Dixon and Mood 1946). Without any win or loss it is 1.
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of ``values`` with its bootstrap interval (percentiles; Efron and Tibshirani 1993, ch. 13).

    Of fewer than two values, or of equal ones, the interval has no width.
    """
    import numpy as np
    from scipy.stats import bootstrap

    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    rng = np.random.default_rng(SEED)
    found = bootstrap((np.asarray(values, float),), np.mean, n_resamples=RESAMPLES, method="percentile", rng=rng)
    return Interval(mean, float(found.confidence_interval.low), float(found.confidence_interval.high))


def paired_test(base: Sequence[float], tuned: Sequence[float]) -> float:
    """The p-value of a paired permutation test on the mean difference: each row's two values may change places.

    Exact where ``PERMUTATIONS`` suffice for that (Fisher 1935, §21). Without any difference it is 1.
    Values of two kinds only (right or wrong) give the exact McNemar test, which is the sign test of the differences.
    """
    import numpy as np
    from scipy.stats import permutation_test

    difference = np.asarray(tuned, float) - np.asarray(base, float)
    difference = difference[difference != 0]
    if not len(difference):
        return 1.0
    if len(set(np.abs(difference))) == 1:
        return sign_test(int((difference > 0).sum()), int((difference < 0).sum()))
    rng = np.random.default_rng(SEED)
    found = permutation_test(
        (difference,),
        np.mean,
        permutation_type="samples",
        n_resamples=PERMUTATIONS,
        vectorized=True,
        rng=rng,
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """``p_values`` adjusted for being read together (Holm 1979): the probability of any false finding stays at 5 %."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, n in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[n]))
        adjusted[n] = highest
    return adjusted
