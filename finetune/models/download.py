"""The download of a model from the Hub: which files are missing, whether they fit, and one process at a time."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from finetune.errors import DiskError, ModelError, UnreachableError
from finetune.format import size
from finetune.models import hub
from finetune.models.files import TOKENIZERS, has_weights
from finetune.models.remote import COMMIT, Remote, RemoteFile, cache_of, look_up, recent
from finetune.models.transfer import AGAIN, POLL_S, Stopped, Transfer, here_bytes, is_here
from finetune.recipe import ModelSettings

RESERVE_BYTES = 2**29
"""Disk space that a download leaves free."""
MOST_SMALL = 64 * 2**20
"""Bytes of a file that has no weights."""
WEIGHTS = ".safetensors"


def never() -> bool:
    """It is not to be stopped."""
    return False


def ignore(done_bytes: int, total_bytes: int) -> None:
    """Nobody is told how far it has come."""


def find_cached(settings: ModelSettings) -> Path | None:
    """The folder of a model of the Hub if it is whole on this machine; no network is asked.

    One that only the owner's token opens is None to a process without it.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(settings.id, "config.json", revision=settings.revision)
    except HFValidationError:  # no model has this id, and whoever looks it up says so
        return None
    folder = Path(found).parent if isinstance(found, str) else None
    if folder is None or not hub.open_to_all(cache_of(settings.id)):
        return None
    has_tokenizer = any(next(folder.glob(pattern), None) for pattern in TOKENIZERS)
    return folder if has_tokenizer and has_weights(folder) else None


def find_described(settings: ModelSettings) -> Path:
    """A folder with the config and the tokenizer of a model of the Hub; fetched if they are not on this machine.

    ``ModelError`` if there is no such model, ``UnreachableError`` if its Hub does not answer.
    """
    if cached := find_cached(settings):
        return cached
    remote = recent(settings) or look_up(settings)
    fetch(remote, remote.small)
    return remote.folder


def resolve(settings: ModelSettings) -> Remote | None:
    """The model on the Hub as it is now; None for one that is whole here at the very commit that is asked for.

    ``ModelError`` if there is no such model, or its Hub does not answer.
    """
    if COMMIT.fullmatch(settings.revision or "") and find_cached(settings):
        return None
    return look_up(settings)


def obtain(
    settings: ModelSettings, stopped: Callable[[], bool] = never, report: Callable[[int, int], None] = ignore
) -> Path:
    """The folder of a model of the Hub, with what is missing of it downloaded; ``Stopped`` once ``stopped()`` is true.

    A model whose Hub does not answer is read as it is here, if it is whole; also one that the Hub refuses, if it is the
    machine's owner who asks.
    """
    cached = find_cached(settings)
    try:
        remote = resolve(settings)
    except ModelError as error:
        is_refused = not (hub.is_shared() or isinstance(error, UnreachableError))
        if cached is None or is_refused:
            raise
        remote = None
    return download(remote, settings.revision, stopped, report) if remote else cached


def download(
    remote: Remote,
    revision: str | None,
    stopped: Callable[[], bool] = never,
    report: Callable[[int, int], None] = ignore,
) -> Path:
    """The folder of ``remote`` with all files that a run needs: the small ones first, then the weights.

    ``revision`` is the name that it was looked up by: from now on it stands for this commit also without a network.
    """
    fetch(remote, remote.small, stopped)
    fetch(remote, remote.weights, stopped, report)
    if revision != remote.commit:
        _name(remote, revision or "main")
    return remote.folder


def fetch(
    remote: Remote,
    files: Iterable[RemoteFile],
    stopped: Callable[[], bool] = never,
    report: Callable[[int, int], None] = ignore,
) -> None:
    """Fetch those of ``files`` that are not in the folder of ``remote``; ``DiskError`` if they do not fit there."""
    if absurd := next((file for file in files if file.size > MOST_SMALL and not file.name.endswith(WEIGHTS)), None):
        raise ModelError(
            f"{absurd.name} of {remote.id} has {size(absurd.size)}; beside the weights no file may have more than "
            f"{size(MOST_SMALL)}.",
            "Choose another model.",
        )
    if missing(remote, files):
        with _alone(remote, stopped), _storing(remote):
            if wanted := missing(remote, files):
                _require_room(remote, wanted)
                here = sum(file.size for file in files) - sum(file.size for file in wanted)
                Transfer(remote, wanted, here).run(stopped, report)
    if remote.is_open:
        with _storing(remote):
            hub.mark_open(remote.cache)


def is_whole(remote: Remote) -> bool:
    """True if all files of ``remote`` that a run needs are here."""
    return not missing(remote, remote.small) and not missing(remote, remote.weights)


def missing(remote: Remote, files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Those of ``files`` that are not whole in the folder of ``remote``."""
    return [file for file in files if not is_here(remote, file)]


def _require_room(remote: Remote, files: Iterable[RemoteFile]) -> None:
    needed = sum(file.size - here_bytes(remote, file) for file in files)
    free = shutil.disk_usage(_existing(remote.cache)).free
    if needed + RESERVE_BYTES > free:
        raise DiskError(
            f"{remote.id} does not fit on the disk: {size(needed)} are still to be downloaded, and {size(free)} are "
            f"free in {_existing(remote.cache)}.",
            "Free disk space, or set HF_HOME to a folder on a larger disk.",
        )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


@contextmanager
def _alone(remote: Remote, stopped: Callable[[], bool]) -> Iterator[None]:
    """Wait until no other process or thread downloads this model; the wait can be stopped too."""
    with _storing(remote):
        folder = remote.cache.parent / ".locks" / remote.cache.name
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "download.lock", thread_local=False, is_singleton=False)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=POLL_S)
            except Timeout:
                if stopped():
                    raise Stopped from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _storing(remote: Remote) -> Iterator[None]:
    """Turns an error of the disk into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskError(
                f"The disk is full: {remote.id} could not be downloaded whole.", f"Free some. {AGAIN}"
            ) from None
        raise ModelError(
            f"{remote.id} cannot be stored in {remote.cache}: {error.strerror or type(error).__name__}.",
            "Set HF_HOME to a folder that this user may write to.",
        ) from None


def _name(remote: Remote, revision: str) -> None:
    """Note for the Hub's client that the branch or tag ``revision`` is at this commit."""
    path = remote.cache / "refs" / revision
    if path.is_file() and path.read_text(encoding="utf-8") == remote.commit:
        return
    with _storing(remote):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_text(remote.commit, encoding="utf-8")
        unfinished.replace(path)
