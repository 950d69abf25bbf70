"""Many runs in one process: memory, threads and open files do not grow."""

import gc
import shutil
import threading

import psutil
import pytest

from finetune.machine.hardware import release_memory
from finetune.service.worker import work
from tests.training.test_train import recipe


def held():
    """Resident bytes, threads and open files of this process."""
    gc.collect()
    release_memory()
    process = psutil.Process()
    return process.memory_info().rss, threading.active_count(), process.num_fds()


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_twenty_runs_leave_nothing_behind(with_tiny, tmp_path):
    def cycle():
        run = with_tiny.create(recipe(tmp_path))
        work(run, with_tiny)
        assert run.view().state == "done"
        shutil.rmtree(run.path)

    for _ in range(3):
        cycle()  # loads what is loaded only once
    memory, threads, files = held()
    for _ in range(20):
        cycle()
    memory_now, threads_now, files_now = held()
    print(f"memory {memory / 2**20:.0f} -> {memory_now / 2**20:.0f} MB, threads {threads_now}, files {files_now}")
    assert memory_now <= 1.05 * memory
    assert threads_now <= threads and files_now <= files
