"""A cache of a few results, so that what takes long to compute is computed once."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Cache:
    """The results of the last few calls, by key; a value is computed once, even if two threads ask at a time.

    After ``lasts_s`` seconds a value is computed again.
    """

    def __init__(self, size: int, lasts_s: float = math.inf):
        self._size, self._lasts_s = size, lasts_s
        self._values: OrderedDict = OrderedDict()
        self._making = threading.RLock()

    def get(self, key, make: Callable):
        """The value of ``key``, computed by ``make`` if it is not cached."""
        with self._making:
            if key not in self._values or time.monotonic() - self._values[key][1] > self._lasts_s:
                self._values[key] = make(), time.monotonic()
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return self._values[key][0]

    def clear(self) -> None:
        """Drop all of them."""
        with self._making:
            self._values.clear()
