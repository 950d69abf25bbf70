from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.door.throttle import Rate, Throttle


class Clock:
    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.threat("T37")
def test_after_so_many_attempts_one_waits(clock):
    throttle = Throttle(Rate(5, 60), Rate(100, 60), clock)
    assert [throttle.wait_s("a") for _ in range(5)] == [0] * 5
    assert throttle.wait_s("a") == 60 and throttle.wait_s("b") == 0
    clock.at += 59
    assert throttle.wait_s("a") == 1
    clock.at += 1
    assert throttle.wait_s("a") == 0


@pytest.mark.threat("T37")
def test_many_places_together_wait_too(clock):
    throttle = Throttle(Rate(5, 60), Rate(8, 60), clock)
    assert sum(throttle.wait_s(str(n)) == 0 for n in range(100)) == 8


@pytest.mark.threat("T37")
def test_many_at_once_are_no_way_round(clock):
    throttle = Throttle(Rate(5, 60), Rate(100, 60), clock)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(throttle.wait_s, ["a"] * 200)).count(0) == 5


def test_a_right_one_is_forgiven_and_old_keys_are_forgotten(clock):
    throttle = Throttle(Rate(1, 60), Rate(10_000, 60), clock, most_keys=3)
    throttle.wait_s("a")
    throttle.forgive("a")
    assert throttle.wait_s("a") == 0
    for n in range(50):
        throttle.wait_s(str(n))
    assert len(throttle._begun) == 3
