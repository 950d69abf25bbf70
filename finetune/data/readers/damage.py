"""Damaged files: whatever a library raises over one becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import DataError, first_sentence


@contextmanager
def damaged(path: Path, what: str = "", hint: str = "Save or download it again.") -> Iterator[None]:
    """``DataError`` for any error of a library that reads ``path``, a file of the kind ``what``, with ``hint``.

    Libraries for binary files do not validate all that they read, so they may raise nearly anything. What is no fault
    of the file stays as it is: an error that was put into words already, and memory of Python that ran out
    (an error of pyarrow's memory is about a size that a damaged file states).
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DataError) or type(error) is MemoryError:
            raise
        state = f"a damaged {what}" if what else "damaged"
        raise DataError(f"{path.name} is {state}: {first_sentence(error)}", hint) from None
