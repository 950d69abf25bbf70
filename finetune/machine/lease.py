"""The lease on this machine's device: one holder at a time, across processes."""

from pathlib import Path

from filelock import FileLock, Timeout

from finetune.errors import BusyError


class Lease:
    """The right to train on this machine's device: one holder at a time, across processes."""

    def __init__(self, workspace_path: Path):
        self._lock = FileLock(Path(workspace_path) / "device.lock", thread_local=False, is_singleton=False)

    def take(self) -> "Lease":
        """Take the lease now, or raise ``BusyError``; leaving the ``with`` block releases it."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                "Another run is training on this machine.", "Wait until it has finished, or stop it."
            ) from None
        return self

    def __enter__(self) -> "Lease":
        return self if self._lock.is_locked else self.take()

    def __exit__(self, *_) -> None:
        self._lock.release()
