"""Time in tests: how slow the machine is just now, and waiting for something to happen."""

import time

NUMBERS = 500_000
USUAL_S = 0.016
"""Seconds of processor time to count so far on a core of the machine that the limits are set for."""


def slowness() -> float:
    """How many times slower than usual a core is now; at least 1, the best of five tries."""
    return max(1.0, min(_count_s() for _ in range(5)) / USUAL_S)


def _count_s() -> float:
    began, total = time.process_time(), 0
    for number in range(NUMBERS):
        total += number
    return time.process_time() - began


def wait_for(condition, seconds: float = 180) -> None:
    """Return once ``condition()`` holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
