"""Work that is done before it is asked for, by several threads: of use where most of it needs no interpreter."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from finetune.machine.limits import cores

AHEAD = 2
"""Results for each thread that may be finished and not yet used."""


def ahead(work: Callable, given: Iterable) -> Iterator:
    """``work`` of each that is ``given``, in order; the next ones are worked on meanwhile, as threads are free.

    What nobody will use is not begun: after a fault, or once the iterator is closed. No thread outlives it.
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
