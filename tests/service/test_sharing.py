import threading
import time

import pytest

from finetune.service import sharing
from finetune.service.sharing import AT_ONCE_S, SHARE, Sharing
from tests.service.test_queue import wait_for


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(sharing.time, "sleep", lambda seconds: setattr(clock, "now", clock.now + seconds))
    return clock


@pytest.mark.threat("T41")
@pytest.mark.parametrize("lasts_s", [0.3, 1.0, 3.0])
def test_answers_use_a_share_of_the_time_in_the_long_run_and_some_at_once(clock, lasts_s):
    shared, answered = Sharing(lambda: True, clock), []
    while clock.now < 2000:
        with shared.turn():
            clock.now += lasts_s
        answered.append(clock.now)
    first = [at for at in answered if at < AT_ONCE_S]
    assert len(first) >= AT_ONCE_S / lasts_s - 3, "nobody waits at first"
    assert len(answered) * lasts_s <= AT_ONCE_S + 2000 * SHARE + 10
    assert max(after - before for before, after in zip(answered, answered[1:])) < 30


def test_one_long_answer_does_not_keep_the_next_one_waiting_for_long(clock):
    shared = Sharing(lambda: True, clock)
    with shared.turn():
        clock.now += 3600
    before = clock.now
    with shared.turn():
        assert clock.now - before < 30


def test_without_a_run_nobody_waits(clock):
    shared = Sharing(lambda: False, clock)
    for _ in range(100):
        with shared.turn():
            clock.now += 10
    assert clock.now == 1000


def test_many_at_a_time_are_counted_when_they_begin(monkeypatch):
    monkeypatch.setattr(sharing, "SHARE", 0.0)
    at_work, inside, goes_on = True, [], threading.Event()
    shared = Sharing(lambda: at_work)

    def answer():
        with shared.turn():
            inside.append(1)
            goes_on.wait(20)

    threads = [threading.Thread(target=answer, daemon=True) for _ in range(40)]
    for each in threads:
        each.start()
    wait_for(lambda: len(inside) >= AT_ONCE_S)
    time.sleep(0.3)
    assert len(inside) == AT_ONCE_S
    at_work = False  # the run ended: all others begin
    wait_for(lambda: len(inside) == 40)
    goes_on.set()
