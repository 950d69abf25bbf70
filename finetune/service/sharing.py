"""How a run and the answers of models share this machine: a person who asks is answered at once, a crowd is not.

While a run is at work, answers have ``AT_ONCE_S`` of their own time at once and a ``SHARE`` of the time in the long
run.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.15
"""Seconds of answering per second of a run at work."""
AT_ONCE_S = 6.0
"""Seconds of answering that need not wait."""
EXPECTED_S = 1.0
"""What an answer counts as when it begins; the rest counts when it ends."""
MOST_OWED_S = 4.0
"""Whoever asks next waits at most until this is made up for, however long the answers before took."""
LOOKS_S = 0.1


class Sharing:
    """The time that answers may use while ``is_at_work``."""

    def __init__(self, is_at_work: Callable[[], bool], now: Callable[[], float] = time.monotonic):
        self._is_at_work, self._now = is_at_work, now
        self._left_s, self._at = AT_ONCE_S, now()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for time to answer, and answer inside."""
        while self._is_at_work() and not self._begin():
            time.sleep(LOOKS_S)
        began = self._now()
        try:
            yield
        finally:
            self._spend(self._now() - began - EXPECTED_S)

    def _begin(self) -> bool:
        with self._lock:
            now = self._now()
            self._left_s, self._at = min(AT_ONCE_S, self._left_s + (now - self._at) * SHARE), now
            if self._left_s <= 0:
                return False
            self._left_s -= EXPECTED_S
            return True

    def _spend(self, seconds: float) -> None:
        with self._lock:
            self._left_s = max(self._left_s - seconds, -MOST_OWED_S)
