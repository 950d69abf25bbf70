"""Files with a JSON object per line that lose nothing: a line is on the disk before ``append`` returns.

Several threads and processes may append to one file. A line torn by a crash is skipped by ``read``, and closed before
the next one, which so has its own line.
"""

import errno
import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock

from finetune.errors import DiskError


def append(path: Path, record: dict) -> None:
    """Append ``record`` as a line: all of it, or nothing and a ``DiskError`` if the disk is full.

    ``FileNotFoundError`` if its folder was deleted.
    """
    if not path.parent.is_dir():  # or the lock would make it again
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path.name)
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    lock = FileLock(path.with_name(f".{path.name}.lock"), is_singleton=False)
    with lock, open(path, "ab+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            _write(file, line if _ends_whole(file, end) else b"\n" + line)
        except OSError as error:
            os.truncate(file.fileno(), end)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskError(
                f"{path.name} cannot be written: the disk is full.", "Delete runs, then try again."
            ) from None


def append_whole(path: Path, lines: bytes, durably: bool, makes: bool) -> None:
    """Append ``lines`` to a file with one writer: all of them, or an ``OSError`` and none.

    The file is made only where this ``makes`` it; ``durably`` if they are to be on the disk at the end.
    """
    missing = 0 if makes else os.O_CREAT
    opener = partial(os.open, mode=0o666)
    with open(path, "ab+", buffering=0, opener=lambda path, how: opener(path, how & ~missing)) as file:
        end = file.tell()
        try:
            _write(file, lines if _ends_whole(file, end) else b"\n" + lines, durably)
        except OSError:
            os.truncate(file.fileno(), end)
            raise


def read(path: Path) -> Iterator[dict]:
    """Each record of ``path`` in its order; none if there is no file. Damaged lines are skipped."""
    try:
        block = path.read_bytes()
    except FileNotFoundError:
        return
    for line in block.decode("utf-8", "replace").split("\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _ends_whole(file, end: int) -> bool:
    if not end:
        return True
    file.seek(end - 1)
    return file.read(1) == b"\n"


def _write(file, line: bytes, durably: bool = True) -> None:
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if durably:
        os.fsync(file.fileno())
