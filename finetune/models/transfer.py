"""The transfer of files from the Hub to the disk, by HTTP ranges: what is there of a file is not fetched again.

The Hub's own client starts each interrupted file from its beginning, and cannot be stopped in the middle of one.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import ModelError, UnreachableError
from finetune.format import size as in_words
from finetune.models import hub
from finetune.models.remote import TIMEOUT_S, Remote, RemoteFile, hub_errors, url_of

AT_ONCE = 4
"""Files that are fetched at once."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before a broken connection is tried again; whenever bytes have come, the first is next."""
POLL_S = 0.25
"""Seconds between two looks at whether it should stop, and two reports."""
BLOCK_BYTES = 2**22
AGAIN = "Start again: what is here is not downloaded again."


class Stopped(Exception):
    """Someone asked for the end of a download; what has come is kept."""


class Broken(Exception):
    """A connection ended early."""


class Transfer:
    """Some files of a model on their way into its folder in the cache of the Hub's client."""

    def __init__(self, remote: Remote, files: Sequence[RemoteFile], known_bytes: int = 0):
        """``known_bytes``: of further files of the model that are here already."""
        self._remote = remote
        self._waiting = deque(_by_content(files))
        self._known_bytes = known_bytes
        self._here = {file.name: here_bytes(remote, file) for file in files}
        self._over, self._idle = threading.Event(), threading.Event()
        self._working, self._counting = 0, threading.Lock()
        self._error: Exception | None = None
        self.total_bytes = known_bytes + sum(file.size for file in files)

    @property
    def done_bytes(self) -> int:
        """Bytes that are here."""
        return self._known_bytes + sum(self._here.values())

    def run(self, stopped: Callable[[], bool], report: Callable[[int, int], None]) -> None:
        """Fetch the files; ``Stopped`` as soon as ``stopped()`` is true, ``ModelError`` if it cannot be done.

        ``report`` is called with the bytes that are here and those of all files, several times a second.
        """
        self._working = min(AT_ONCE, len(self._waiting))
        for _ in range(self._working):
            # A thread that waits for a silent server is left behind: it writes nothing once this is over.
            threading.Thread(target=self._work, name="download", daemon=True).start()
        try:
            is_idle = False
            while not is_idle:
                is_idle = self._idle.wait(POLL_S)
                report(self.done_bytes, self.total_bytes)
                if self._error:
                    raise self._error
                if not is_idle and stopped():
                    raise Stopped
        finally:
            self._over.set()

    def _work(self) -> None:
        try:
            while not self._over.is_set():
                with self._counting:
                    files = self._waiting.popleft() if self._waiting else None
                if files is None:
                    break
                for file in files:
                    self._fetch(file)
        except Exception as error:
            self._error = self._error or error
        with self._counting:
            self._working -= 1
            if not self._working or self._error:
                self._idle.set()

    def _fetch(self, file: RemoteFile) -> None:
        """Fetch what is missing of ``file``, in as many connections as it takes, and put it in its place."""
        partial, pauses = partial_of(self._remote, file), iter(PAUSES_S)
        partial.parent.mkdir(parents=True, exist_ok=True)
        while not self._over.is_set():
            before = here_bytes(self._remote, file)
            if before == file.size and (before or partial.exists()):
                break
            try:
                self._receive(file, partial, before)
            except Broken:
                if self._here[file.name] > before:
                    pauses = iter(PAUSES_S)
                if (pause := next(pauses, None)) is None:
                    raise self._gave_up() from None
                self._over.wait(pause)
        if self._is_whole(file, partial):
            place(self._remote, file)

    def _receive(self, file: RemoteFile, partial: Path, start: int) -> None:
        """Append what comes over one connection to ``partial``; ``Broken`` if it ends early."""
        with partial.open("ab") as kept, opened(self._remote, file, start) as response:
            if response.status_code == 200 and start:  # the server does not know ranges
                kept.truncate(0)
                self._here[file.name] = 0
            self._require_size(file, response, start if response.status_code == 206 else 0)
            for chunk in response.iter_raw():
                if self._over.is_set():
                    return
                kept.write(chunk)
                self._here[file.name] += len(chunk)
        if self._here[file.name] < file.size:
            raise Broken

    def _require_size(self, file: RemoteFile, response, start: int) -> None:
        announced = response.headers.get("Content-Length")
        if announced is not None and start + int(announced) != file.size:
            raise ModelError(
                f"{file.name} of {self._remote.id} has {file.size:,} bytes in the Hub's list, but the Hub sends "
                f"{start + int(announced):,}.",
                "Try again later, or choose another version of the model (`model.revision`).",
            )

    def _is_whole(self, file: RemoteFile, partial: Path) -> bool:
        """True if ``partial`` is the file that the Hub lists; ``ModelError`` if not, False if it should stop."""
        if self._over.is_set():
            return False
        if not partial.exists():
            return True  # its content is here already, for another version of the model
        found = digest_for(file)
        with partial.open("rb") as kept:
            while found and (block := kept.read(BLOCK_BYTES)):
                found.update(block)
                if self._over.is_set():
                    return False
            os.fsync(kept.fileno())
        if found is None or found.hexdigest() == file.key:
            return True
        partial.unlink()
        self._here[file.name] = 0
        raise ModelError(
            f"{file.name} of {self._remote.id} arrived damaged: its checksum is not the one in the Hub's list.",
            "Start again: this file is downloaded anew.",
        )

    def _gave_up(self) -> UnreachableError:
        return UnreachableError(
            f"The download of {self._remote.id} broke off and could not be continued: "
            f"{in_words(self.done_bytes)} of {in_words(self.total_bytes)} are here.",
            f"Check the connection. {AGAIN}",
        )


def _by_content(files: Sequence[RemoteFile]) -> list[list[RemoteFile]]:
    """``files`` in groups of the same content: they share one place until they are whole, so one thread has them."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in files:
        groups.setdefault(file.key, []).append(file)
    return list(groups.values())


def blob_of(remote: Remote, file: RemoteFile) -> Path:
    """Where the content of ``file`` is kept, under its ETag."""
    return remote.cache / "blobs" / file.key


def partial_of(remote: Remote, file: RemoteFile) -> Path:
    """Where ``file`` is kept until it is whole."""
    return remote.cache / "blobs" / f"{file.key}.incomplete"


def is_here(remote: Remote, file: RemoteFile) -> bool:
    """True if ``file`` is whole in the folder of ``remote``; a crash may have left one of another size."""
    return _has_size(remote.folder / file.name, file)


def _has_size(path: Path, file: RemoteFile) -> bool:
    return path.exists() and path.stat().st_size == file.size


def here_bytes(remote: Remote, file: RemoteFile) -> int:
    """Bytes of ``file`` that are on this machine."""
    if is_here(remote, file) or _has_size(blob_of(remote, file), file):
        return file.size
    partial = partial_of(remote, file)
    found = partial.stat().st_size if partial.exists() else 0
    if found > file.size:
        partial.unlink()
        return 0
    return found


def place(remote: Remote, file: RemoteFile) -> None:
    """Put a whole file where the Hub's client has it: content under ``blobs``, a link to it under ``snapshots``."""
    blob, partial, pointer = blob_of(remote, file), partial_of(remote, file), remote.folder / file.name
    if partial.exists():
        partial.replace(blob)
    pointer.parent.mkdir(parents=True, exist_ok=True)
    if is_here(remote, file):
        return
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:  # a system without links
        blob.replace(pointer)


def digest_for(file: RemoteFile):
    """A digest that ends in the key of ``file`` if it is fed its content; None where the key is none of the Hub's."""
    if len(file.key) == 64:
        return hashlib.sha256()
    if len(file.key) == 40:
        return hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    return None


@contextmanager
def opened(remote: Remote, file: RemoteFile, start: int = 0, end: int | None = None) -> Iterator:
    """The response to a request for bytes ``start`` to ``end`` (not included) of ``file``; ``ModelError`` if refused.

    ``Broken`` if the connection fails now or while the response is read, or the Hub is busy.
    """
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError, HTTPError
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    last = "" if end is None else end - 1
    headers = build_hf_headers(token=hub.token()) | {"Accept-Encoding": "identity"}
    if start or end is not None:
        headers["Range"] = f"bytes={start}-{last}"
    url, options = (
        url_of(remote.id, remote.commit, file.name),
        {"headers": headers, "timeout": TIMEOUT_S, "follow_redirects": True},
    )
    with hub_errors(remote.id, remote.commit):
        try:
            with get_session().stream("GET", url, **options) as response:
                is_elsewhere = response.url.host != response.history[0].url.host if response.history else False
                # Storage that the Hub sends us to refuses a link that has expired: the Hub gives another one.
                if response.status_code == 429 or response.status_code >= (400 if is_elsewhere else 500):
                    raise Broken
                hf_raise_for_status(response)
                yield response
        except HfHubHTTPError:
            raise
        except HTTPError:
            raise Broken from None
