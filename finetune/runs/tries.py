"""Work that is taken up again after a crash, but not for ever: it may itself be what ends the program.

A file says how often the work was begun. It is removed as soon as the work ends in any way but with the whole process.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finetune.errors import RunError

MOST = 2
"""So often the whole program may end in the middle of the same work."""

_at_work: set["Tries"] = set()


class Tries:
    """How often some work was begun; ``file`` is where that is kept."""

    def __init__(self, file: Path):
        self.file = file

    @property
    def count(self) -> int:
        """How often it was begun and the process ended in the middle of it."""
        try:
            return int(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def forget(self) -> None:
        """Let it be begun again: someone asked for it."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def one(self, work: str) -> Iterator[None]:
        """One more try, if it may be begun; else a ``RunError`` that calls it ``work``, with which it is forgotten."""
        begun = self.count
        if begun >= MOST:
            self.forget()
            raise RunError(
                f"{work} was abandoned: the app ended {MOST} times in the middle of it.",
                "Often the machine had too little memory. Ask again once it has more to spare.",
            )
        with suppress(OSError):  # a full disk is no reason not to try
            self.file.write_text(str(begun + 1), encoding="utf-8")
        _at_work.add(self)
        try:
            yield
        finally:
            _at_work.discard(self)
            self.forget()


def excuse() -> None:
    """Forget what this process is trying now: it is asked to end, and the work is not to blame."""
    for tries in list(_at_work):
        tries.forget()
