"""What a reader is: one kind of file, how it is recognized, and how it becomes a table."""

from pathlib import Path
from typing import ClassVar

from finetune.data.readers.signature import Head
from finetune.data.table import Reading, Table


class Reader:
    """The base of all readers; a subclass is one file in ``finetune/data/readers/``.

    The content decides first (``claims``). What it leaves open, the name decides (``suffixes``); and what both leave
    open, the first reader takes that could read it (``suits``).
    """

    titles: ClassVar[tuple[str, ...]]
    """What such files are called, to be listed: ``CSV``, ``TSV``."""
    suffixes: ClassVar[tuple[str, ...]]
    """How their names end: ``.csv``. The page accepts these."""
    hub_suffixes: ClassVar[tuple[str, ...]] = ()
    """Those of ``suffixes`` that hold rows in a dataset's repository on the Hub, where a ``README.md`` does not."""
    order: ClassVar[int] = 100
    """The lower is asked, and listed, first."""
    is_text: ClassVar[bool] = False
    """True if the file is text: then ``claims`` may rely on ``Head.text``, and a file may be recognized by its name."""

    reads_markup: ClassVar[bool] = False
    """True if it reads a markup language, which is taken for no other kind of text."""

    def claims(self, head: Head) -> bool:
        """True if the file's content says that it is of this kind."""
        return False

    def suits(self, head: Head) -> bool:
        """True if a text that neither content nor name decides may be read as this kind."""
        return False

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of the file, as written; ``DataError`` says which row, line or byte cannot be read."""
        raise NotImplementedError
