"""Each system call of a checkpoint commit fails once: an intact checkpoint remains, and the next commit works."""

import errno
import io
import os
from itertools import count

import pytest

from finetune.errors import DiskError
from finetune.runs.checkpoints import Checkpoints

CALLS = [(os, "fsync"), (os, "rename"), (os, "mkdir"), (os, "open"), (io, "open"), (os, "rmdir"), (os, "unlink")]
ERRORS = [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES]


def save(checkpoints, step):
    with checkpoints.staging(step) as folder:
        (folder / "model.safetensors").write_bytes(b"weights of step %d" % step)
        (folder / "optimizer.pt").write_bytes(b"moments" * 100)
    checkpoints.prune()


class Faulty:
    """Passes system calls through until the ``fatal`` one."""

    def __init__(self, monkeypatch, fatal, error):
        self.made, self.fatal, self.error = count(), fatal, error
        for module, name in CALLS:
            monkeypatch.setattr(module, name, self.wrapped(getattr(module, name)))

    def wrapped(self, call):
        def made(*arguments, **options):
            if next(self.made) == self.fatal:
                raise OSError(self.error, os.strerror(self.error))
            return call(*arguments, **options)

        return made


@pytest.fixture
def checkpoints(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2, 3):
        save(checkpoints, step)
    return checkpoints


def calls_of_a_commit(checkpoints, monkeypatch):
    with monkeypatch.context() as patch:
        faulty = Faulty(patch, -1, 0)
        save(checkpoints, 4)
        return next(faulty.made)


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_every_system_call_of_a_commit_fails_once(error, checkpoints, monkeypatch):
    total = calls_of_a_commit(checkpoints, monkeypatch)
    assert total > 20
    for fatal in range(total):
        newest = checkpoints.newest().checkpoint.step
        with monkeypatch.context() as patch:
            Faulty(patch, fatal, error)
            try:
                save(checkpoints, newest + 1)
            except DiskError as failure:
                assert error == errno.ENOSPC and "disk is full" in str(failure)
            except OSError as failure:
                assert failure.errno == error
        found = checkpoints.newest()
        assert found.checkpoint.step in (newest, newest + 1) and not found.skipped
        save(checkpoints, newest + 2)
        assert checkpoints.newest().checkpoint.step == newest + 2
        assert not list(checkpoints.folder.glob(".*"))


def test_the_process_is_killed_at_every_system_call_of_a_commit(checkpoints, monkeypatch):
    total = calls_of_a_commit(checkpoints, monkeypatch)
    for fatal in range(total):
        newest = checkpoints.newest().checkpoint.step
        if not (child := os.fork()):
            Faulty.wrapped = killing
            Faulty(monkeypatch, fatal, 0)
            save(checkpoints, newest + 1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert checkpoints.newest().checkpoint.step in (newest, newest + 1) and not checkpoints.newest().skipped
        save(checkpoints, newest + 2)
        assert not list(checkpoints.folder.glob(".*"))


def killing(faulty, call):
    def made(*arguments, **options):
        if next(faulty.made) == faulty.fatal:
            os._exit(9)
        return call(*arguments, **options)

    return made
