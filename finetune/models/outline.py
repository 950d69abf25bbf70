"""The outline of a model on the Hub: its config, its tokenizer, and its weights as files with a header and no content.

The headers are read by HTTP ranges, some kilobytes of gigabytes. The rest of each file is a hole, which takes no space
on the disk, so that Transformers and every check here judge the outline as they judge the model.
"""

import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from finetune.errors import ModelError, UnreachableError
from finetune.models.download import fetch
from finetune.models.files import LONGEST_HEADER
from finetune.models.remote import Remote, RemoteFile
from finetune.models.transfer import Broken, opened

FIRST_BYTES = 100_000
"""Bytes of each file that are asked for at first: most headers are in them."""
AT_ONCE = 8
"""Headers that are fetched at once."""

Item = TypeVar("Item")


def draw(remote: Remote, folder: Path) -> Path:
    """The outline of ``remote`` in the empty ``folder``; ``ModelError`` if the Hub does not give what it needs."""
    fetch(remote, remote.small)
    for file in remote.small:
        _link(remote.folder / file.name, folder / file.name)
    for file in remote.files:
        if file.name.endswith(".gguf") and "/" not in file.name:
            (folder / file.name).touch()
    _for_each(remote.weights, lambda file: _write_hollow(folder / file.name, header(remote, file), file.size))
    return folder


def header(remote: Remote, file: RemoteFile) -> bytes:
    """The header of a safetensors file on the Hub with its length in front; what else begins there if it is none."""
    if not file.size:
        return b""
    first = read(remote, file, 0, min(FIRST_BYTES, file.size))
    length = struct.unpack("<Q", first[:8])[0] if len(first) >= 8 else 0
    end = 8 + length
    if end <= len(first) or end > min(LONGEST_HEADER, file.size):
        return first[:end]
    return first + read(remote, file, len(first), end)


def read(remote: Remote, file: RemoteFile, start: int, end: int) -> bytes:
    """Bytes ``start`` to ``end`` (not included) of ``file``; ``UnreachableError`` if they do not come."""
    found = b""
    try:
        with opened(remote, file, start, end) as response:
            skipped = start if response.status_code == 200 else 0  # the server does not know ranges
            for chunk in response.iter_raw():
                found += chunk
                if len(found) >= skipped + end - start:
                    break
    except Broken:
        found = b""
    wanted = found[skipped : skipped + end - start] if found else b""
    if len(wanted) < end - start:
        raise UnreachableError(
            f"The connection broke while {file.name} of {remote.id} was inspected.", "Check the connection."
        )
    return wanted


def _write_hollow(path: Path, head: bytes, size: int) -> None:
    try:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)
    except OSError as error:
        raise ModelError(f"The outline of a model cannot be written to {path.parent}: {error.strerror}.") from None


def _link(target: Path, path: Path) -> None:
    try:
        path.symlink_to(target)
    except OSError:  # a system without links
        path.write_bytes(target.read_bytes())


def _for_each(items: Iterable[Item], work: Callable[[Item], None]) -> None:
    """``work`` on each item, several at once, in threads that do not keep the program alive; raises the first error."""
    waiting, errors = deque(items), []

    def run() -> None:
        while waiting and not errors:
            try:
                work(waiting.popleft())
            except IndexError:
                return
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=run, name="outline", daemon=True) for _ in range(min(AT_ONCE, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
