"""A few results at hand, so that what takes long to make is made once."""

import threading
from collections import OrderedDict
from collections.abc import Callable


class Cache:
    """The results of the last few calls, by key; a value is made once even if two ask for it at a time."""

    def __init__(self, size: int):
        self._size = size
        self._values: OrderedDict = OrderedDict()
        self._making = threading.RLock()

    def get(self, key, make: Callable):
        """The value of ``key``, made now if it is not at hand."""
        with self._making:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return self._values[key]
