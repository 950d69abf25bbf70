"""The temporary files that a request writes: what it leaves behind is deleted when it ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_written: ContextVar[list[Path] | None] = ContextVar("parts", default=None)


@contextmanager
def none_left() -> Iterator[None]:
    """Delete what was noted inside when it ends; an upload that succeeds has moved its files by then."""
    parts: list[Path] = []
    before = _written.set(parts)
    try:
        yield
    finally:
        _written.reset(before)
        for each in parts:
            each.unlink(missing_ok=True)


def note(path: str) -> None:
    """The request at work writes the temporary file ``path``; outside a request nothing happens."""
    parts = _written.get()
    if parts is not None:
        parts.append(Path(path))
