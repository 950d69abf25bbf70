"""A folder sent to a repository of the Hub: checked before, whole in one commit, and compared with what arrived.

Large files go one after the other, so that it can end between two of them; those that are there already are not sent
again. The commit comes last, so a repository never has half a model.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from finetune.errors import RunError, UnreachableError
from finetune.format import counted, size
from finetune.models.account import TIMEOUT_S, refusals
from finetune.runs.checkpoints import digest
from finetune.runs.job import Stopped

PAUSES_S = (2.0, 10.0, 30.0)
"""Pauses before a broken connection is tried again; the Hub's client has tried each request several times by then."""
LONGEST_S = 300.0
"""The longest such pause, where the Hub says when to ask again."""
OF_THE_HUB = ".gitattributes"
"""The file that the Hub puts into every repository."""
FROM_AGAIN = "Start again: what has arrived is not sent again."
Result = TypeVar("Result")


@dataclass(frozen=True)
class Present:
    """A file of a repository."""

    size: int
    key: str
    """SHA-256 of a large file (64 hex digits), git's SHA-1 of any other (40)."""

    def is_of(self, file: Path) -> bool:
        """True if it has the content of ``file``."""
        return file.stat().st_size == self.size and (digest(file) if len(self.key) == 64 else git_key(file)) == self.key


@dataclass(frozen=True)
class Push:
    """A repository of models on the Hub, and the token that may write there."""

    repo: str
    token: str = field(repr=False)
    report: Callable[[str, float], None] = lambda what, share: None
    stopped: Callable[[], bool] = lambda: False

    @property
    def address(self) -> str:
        """Where a person finds it."""
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.repo}"

    def files(self) -> dict[str, Present] | None:
        """What the repository has, by path; None if there is no such repository, or none that this token sees."""
        info = self._info()
        return None if info is None else _files(info)

    def is_private(self) -> bool | None:
        """True if only some accounts see it; None if there is no such repository."""
        info = self._info()
        return None if info is None else bool(info.private)

    def create(self, private: bool) -> None:
        """Make the repository, where there is none."""
        with refusals(self.repo, self.token):
            self._api().create_repo(self.repo, private=private, exist_ok=True)

    def send(self, folder: Path, message: str, below: str = "", replace: bool = False, share: float = 1.0) -> str:
        """Send all files of ``folder``, into the folder ``below`` of the repository; the commit that they are in.

        With ``replace`` what else is there (``below``) is removed. ``share`` of the whole work is done after it.
        ``Stopped`` if it ends before, ``RunError`` if something else arrived than was sent.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        files = {f"{below}{path.relative_to(folder).as_posix()}": path for path in _sorted(folder)}
        total, sent = sum(path.stat().st_size for path in files.values()) or 1, 0
        operations: list = []
        for name, path in files.items():
            if self.stopped():
                raise Stopped
            self.report(f"uploading {name} ({size(path.stat().st_size)})", share * sent / total)
            operations.append(CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path)))
            self._patiently(partial(self._preupload, operations[-1]), share * sent / total)
            sent += path.stat().st_size
        if self.stopped():
            raise Stopped
        if replace:
            others = (name for name in self.files() or () if name.startswith(below) and name != OF_THE_HUB)
            operations += [CommitOperationDelete(path_in_repo=name) for name in others if name not in files]
        self.report("writing the commit", share)
        commit = self._patiently(partial(self._commit, operations, message), share)
        self.report("comparing what arrived", share)
        self._patiently(partial(self._verify, files, commit), share)
        return commit

    def _preupload(self, operation) -> None:
        self._api().preupload_lfs_files(self.repo, [operation], free_memory=False)

    def _commit(self, operations: list, message: str) -> str:
        return self._api().create_commit(self.repo, operations, commit_message=message).oid

    def _verify(self, files: dict[str, Path], commit: str) -> None:
        """``RunError`` unless the repository has each of ``files`` with every byte."""
        there = _files(self._api().model_info(self.repo, revision=commit, files_metadata=True, timeout=TIMEOUT_S))
        wrong = [name for name, path in files.items() if name not in there or not there[name].is_of(path)]
        if wrong:
            raise RunError(
                f"{counted(len(wrong), 'file')} on the Hub ({wrong[0]}) {'is' if len(wrong) == 1 else 'are'} not what "
                f"was sent to {self.repo}.",
                "Do not use what is there; export again with `replace=true`.",
            )

    def _patiently(self, do: Callable[[], Result], share: float = 0.0) -> Result:
        """What ``do`` returns, which is tried again a few times if the connection breaks; ``Stopped`` in between."""
        for left in range(len(PAUSES_S), -1, -1):
            try:
                with refusals(self.repo, self.token):
                    return do()
            except UnreachableError as error:
                if not left:
                    raise UnreachableError(
                        f"{error.message} It was tried {len(PAUSES_S) + 1} times.", FROM_AGAIN
                    ) from None
                pause = max(PAUSES_S[-left], min(getattr(error, "after_s", 0.0), LONGEST_S))
                self.report(f"waiting to try again, {counted(left, 'try', 'tries')} left: {error.message}", share)
            self._wait(pause)
        raise AssertionError

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopped():
                raise Stopped
            time.sleep(min(left, 0.25))

    def _info(self):
        from huggingface_hub.errors import RepositoryNotFoundError

        def look():
            try:
                return self._api().model_info(self.repo, files_metadata=True, timeout=TIMEOUT_S)
            except RepositoryNotFoundError:
                return None

        return self._patiently(look)

    def _api(self):
        from huggingface_hub import HfApi, constants
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()  # they would only fill the log
        return HfApi(endpoint=constants.ENDPOINT, token=self.token)


def differing(folder: Path, there: dict[str, Present]) -> list[str]:
    """The files of a repository that ``folder`` does not have just so, without the Hub's own."""
    here = {path.relative_to(folder).as_posix(): path for path in _sorted(folder)}
    others = (name for name in there if name != OF_THE_HUB)
    return sorted(name for name in others if name not in here or not there[name].is_of(here[name]))


def git_key(file: Path) -> str:
    """Git's SHA-1 of the content of ``file``."""
    return git_key_of(file.read_bytes())


def git_key_of(content: bytes) -> str:
    """Git's SHA-1 of ``content``."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _files(info) -> dict[str, Present]:
    return {each.rfilename: _present(each) for each in info.siblings or ()}


def _present(sibling) -> Present:
    if sibling.lfs:
        return Present(sibling.lfs.size, sibling.lfs.sha256)
    return Present(sibling.size or 0, sibling.blob_id or "")


def _sorted(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
