"""Prefetching: work done ahead by several threads, useful if most of it runs outside the GIL."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from finetune.machine.limits import cores

AHEAD = 2
"""Finished results per thread that may wait to be used."""


def ahead(work: Callable, given: Iterable) -> Iterator:
    """``work`` of each item in ``given``, in order; the next ones are computed meanwhile, as threads are free.

    After an error, or once the iterator is closed, no further work starts. No thread outlives the iterator.
    """
    threads = min(4, cores())
    pool, waiting = ThreadPoolExecutor(threads, "ahead"), deque()
    try:
        for each in given:
            waiting.append(pool.submit(work, each))
            if len(waiting) > AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
