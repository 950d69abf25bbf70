"""What each visitor is doing at the moment, and how much was asked lately."""

import asyncio
import time
from collections import Counter, OrderedDict

from finetune.door.budget import Budget

MOST = 10_000
"""Visitors that are remembered; beyond them, those who do nothing at the moment are forgotten."""

MOST_IN_ADVANCE = 5
"""How often what a bucket holds can be taken in advance."""


class Bucket:
    """So much at once, and so much per second: it fills steadily, and is emptied by use."""

    def __init__(self, holds: float, per_s: float):
        self._holds, self._per_s = holds, per_s
        self._level, self._at = holds, time.monotonic()

    def level(self) -> float:
        """What can be taken now."""
        now = time.monotonic()
        self._level = min(self._holds, self._level + (now - self._at) * self._per_s)
        self._at = now
        return self._level

    def take(self, amount: float = 1, in_advance: bool = False) -> bool:
        """Take ``amount``; False, and nothing taken, if there is less, unless it is taken in advance."""
        if self.level() < amount and not in_advance:
            return False
        self._level = max(self._level - amount, -MOST_IN_ADVANCE * self._holds)
        return True

    def wait_s(self, amount: float = 1) -> float:
        """Seconds until ``amount`` can be taken."""
        return max(0.0, (amount - self.level()) / self._per_s)


class Activity:
    """What one visitor is doing."""

    def __init__(self, budget: Budget):
        self.now: Counter[str] = Counter()
        """What is going on, by kind."""
        self.turns = asyncio.Semaphore(budget.at_work_each)
        """Its requests that may be worked on at a time."""
        self.requests = Bucket(budget.requests_at_once, budget.requests_per_s)
        self.pages = Bucket(budget.pages_at_once, budget.pages_per_min / 60)
        self.refusals = Bucket(3, 1)
        """What was refused lately is answered once a second, beyond the first few."""
        self.bytes = Bucket(budget.hour_bytes, budget.hour_bytes / 3600)


class Activities:
    """The activities of visitors by key, those seen last at the end."""

    def __init__(self, budget: Budget):
        self._budget = budget
        self._by_key: OrderedDict[str, Activity] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_key)

    def seen(self, key: str) -> Activity:
        """The activity of the visitor ``key``, who asks for something now."""
        if key not in self._by_key:
            self._by_key[key] = Activity(self._budget)
            self._forget()
        self._by_key.move_to_end(key)
        return self._by_key[key]

    def _forget(self) -> None:
        for key in list(self._by_key)[: max(0, len(self._by_key) - MOST)]:
            if not self._by_key[key].now.total():
                del self._by_key[key]
