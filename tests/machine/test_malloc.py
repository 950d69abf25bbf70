"""Each test runs in its own process: a setting of the heap holds for the whole process."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only glibc is set")

BLOCKS = """
import ctypes, psutil
from finetune.machine.malloc import large_blocks_apart, trim

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes, libc.memset.argtypes = (
    ctypes.c_void_p, [ctypes.c_void_p], [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t])


def resident():
    return psutil.Process().memory_info().rss / 2**20


def left(count=64, mib=1):
    "MiB that stay after `count` large blocks are freed; a small block behind each is kept."
    libc.free(libc.malloc(8 * mib * 2**20))  # as in a run: the first freed block raises glibc's threshold
    before, large = resident(), []
    for _ in range(count):
        large.append(libc.malloc(mib * 2**20))
        libc.memset(large[-1], 1, mib * 2**20)
        libc.malloc(1024)
    assert resident() - before > 0.9 * count * mib
    for block in large:
        libc.free(block)
    return resident() - before
"""


def printed(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", BLOCKS + code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_large_blocks_leave_nothing_behind_while_they_are_kept_apart():
    assert printed("print(left())") > 50
    assert printed("with large_blocks_apart(): print(left())") < 5


def test_afterwards_large_blocks_come_from_the_heap_again():
    assert printed("with large_blocks_apart(): pass\nprint(left())") > 50


def test_trim_returns_free_memory_between_blocks():
    assert printed("before = resident()\nleft()\ntrim()\nprint(resident() - before)") < 5
