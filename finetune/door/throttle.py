"""Attempts that are slowed down: so many within a time from one place, and so many from all places together."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """At most ``most`` within ``within_s`` seconds."""

    most: int
    within_s: float


class Throttle:
    """Counts attempts by key. An attempt counts when it begins, so that many at once are no way around it."""

    def __init__(self, each: Rate, together: Rate, now: Callable[[], float] = time.monotonic, most_keys: int = 10_000):
        self._each, self._together, self._now, self._most_keys = each, together, now, most_keys
        self._begun: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Begin an attempt of ``key``: 0, or the seconds to wait before the next one, and this one does not count."""
        with self._lock:
            now = self._now()
            own = self._begun.setdefault(key, deque())
            wait_s = max(self._left_s(own, self._each, now), self._left_s(self._all, self._together, now))
            if not wait_s:
                own.append(now)
                self._all.append(now)
            self._begun.move_to_end(key)
            while len(self._begun) > self._most_keys:
                self._begun.popitem(last=False)
            return wait_s

    def forgive(self, key: str) -> None:
        """Forget the attempts of ``key``, the last of which was right."""
        with self._lock:
            self._begun.pop(key, None)

    @staticmethod
    def _left_s(begun: deque[float], rate: Rate, now: float) -> float:
        while begun and now - begun[0] >= rate.within_s:
            begun.popleft()
        return begun[0] + rate.within_s - now if len(begun) >= rate.most else 0.0
