"""Files, uploads and pasted text as one table of rows, whatever kind of file they are; values stay as written."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from finetune.data.readers import READABLE, READERS, Reader
from finetune.data.readers.archive import is_packed, unpacked
from finetune.data.readers.signature import Head, binary_kind, markup_kind
from finetune.data.settings import DataSettings
from finetune.data.store import Picked
from finetune.data.table import MAX_BYTES, MAX_ROWS, Reading, Table, none_can
from finetune.errors import DataError

MAX_PASTED = 20 * 2**20
"""Characters of pasted text: a browser struggles with more, so it should be a file."""

Progress = Callable[[float], None]


def read_table(
    path: Path, settings: DataSettings | None = None, progress: Progress | None = None, prefilter: str = ""
) -> Table:
    """The rows of the file ``path``, of any kind in ``READERS``.

    ``progress`` receives the share of the file that is read, at most ten times a second; ``prefilter`` is matched in
    large files (see ``Reading``).
    ``DataError`` says what the file is if no reader takes it, which row, line or byte cannot be read, or that there are
    no rows; ``EncodingError`` also offers another encoding.
    """
    path = Path(path)
    reading = Reading(progress=progress, prefilter=prefilter)
    if settings:
        reading = replace(reading, encoding=settings.encoding, whole_text=settings.whole_text, sheet=settings.sheet)
    try:
        if not path.is_file():
            raise DataError(f"There is no file {path.name}.", "Check the path, or upload it again.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{path.name} is larger than {MAX_BYTES // 2**20:,} MB.", "Take fewer rows.")
        table = _read(path, reading) if size else Table("empty")
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if not len(table.rows):
        raise _without_rows(path.name, table)
    if progress:
        progress(1.0)
    return replace(table, reading=Reading(), share=None)


def _read(path: Path, reading: Reading, levels: int = 2) -> Table:
    """The rows of a file, or of the one file that is packed in it, ``levels`` deep: a table in a tar in a gzip."""
    head = Head.of(path, reading.encoding)
    if not (levels and is_packed(head)) or _binary(head):
        return reader_of(path, reading.encoding).read(path, reading)
    with unpacked(head, reading.sheet, READERS) as found:
        if not found.path.stat().st_size:
            return Table("empty")
        table = _read(found.path, replace(reading, sheet=None if found.names else reading.sheet), levels - 1)
    if not found.names:
        return table
    others = ", ".join(name for name in found.names if Path(name).name != found.path.name)
    table.notes.append(f"Only the file {found.path.name} is read; the archive also has: {others}.")
    return replace(table, sheets=found.names)


def _binary(head: Head) -> Reader | None:
    """The reader that recognizes a file by its magic number."""
    return next((reader for reader in READERS if not reader.is_text and reader.claims(head)), None)


def reader_of(path: Path, encoding: str = "auto") -> Reader:
    """The reader of the file's kind; ``DataError`` says what the file is if there is none.

    Magic numbers decide first, then how a text begins, then its name, and then whether it has columns.
    """
    head = Head.of(path, encoding)
    if binary := _binary(head):
        return binary
    what = binary_kind(head) or markup_kind(head)
    texts = [reader for reader in READERS if reader.is_text and reader.reads_markup == bool(what)]
    if what and not any(reader.claims(head) for reader in texts):
        raise DataError(f"{path.name}: This is {what}, not a table of examples.", f"Give a {READABLE} file.")
    claiming = (reader for reader in texts if reader.claims(head))
    named = (reader for reader in texts if head.suffix in reader.suffixes)
    suited = (reader for reader in texts if reader.suits(head))
    return next(chain(claiming, named, suited))


def read_tables(
    paths: Sequence[Path], settings: DataSettings | None = None, progress: Progress | None = None, prefilter: str = ""
) -> Table:
    """The rows of several files with the same columns, concatenated and numbered consecutively."""
    paths, whole = [Path(path) for path in paths], None
    for place, path in enumerate(paths):
        of_all = progress and (lambda share, done=place: progress((done + share) / len(paths)))
        try:
            table = read_table(path, settings, of_all, prefilter)
        except DataError as error:
            if len(paths) > 1 and path.name not in error.message:
                error.message = f"In {path.name}: {error.message}"
            raise
        if len(paths) == 1:
            return table
        whole = _joined(whole, table, path.name) if whole else _named(table, path.name)
    if whole is None:
        raise DataError("There is no file to read.", "Name one.")
    return whole


def read_text(text: str, name: str = "pasted text") -> Table:
    """The rows of pasted text, whose kind is recognized like that of a file: JSON, JSON lines, CSV, else paragraphs."""
    if len(text) > MAX_PASTED:
        raise DataError(f"The text is longer than {MAX_PASTED:,} characters.", "Upload it as a file.")
    with tempfile.TemporaryDirectory(prefix="pasted-") as folder:
        path = Path(folder) / Path(name).name
        try:
            path.write_text(text, encoding="utf-8", newline="")
        except UnicodeEncodeError as error:
            raise DataError(
                f"Character {error.start + 1:,} of {name} is half of a character (a lone surrogate), which is not text."
            ) from None
        table = read_table(path)
    return table


def _named(table: Table, name: str) -> Table:
    """The first of several files."""
    rejected = [replace(row, file=name) for row in table.rejected]
    notes = [f"{name}: {note}" for note in table.notes]
    return replace(table, rows=Picked.of(table.rows), rejected=rejected, notes=notes, files=[(name, 1)])


def _joined(whole: Table, table: Table, name: str) -> Table:
    """``whole`` followed by the rows of ``table``, the file ``name``."""
    if set(table.columns) != set(whole.columns):
        raise _different(whole, table, name)
    shift = whole.total_rows
    if shift + table.total_rows > MAX_ROWS:
        raise DataError(f"Up to {name}, there are more than {MAX_ROWS:,} rows.", "Take fewer files.")
    if whole.size + table.size > MAX_BYTES:
        raise DataError(f"Up to {name}, the rows are larger than {MAX_BYTES // 2**20:,} MB.", "Take fewer files.")
    return replace(
        whole,
        title=whole.title if table.title == whole.title else "several kinds of files",
        rows=whole.rows.joined(table.rows),
        numbers=whole.numbers + table.numbers.shifted(shift),
        lines=whole.lines + table.lines,
        rejected=whole.rejected + [replace(row, row=row.row + shift, file=name) for row in table.rejected],
        notes=whole.notes + [f"{name}: {note}" for note in table.notes],
        files=[*whole.files, (name, shift + 1)],
        size=whole.size + table.size,
    )


def _different(whole: Table, table: Table, name: str) -> DataError:
    missing = [column for column in whole.columns if column not in table.columns]
    more = [column for column in table.columns if column not in whole.columns]
    differences = [f"it lacks {', '.join(missing)}"] if missing else []
    differences += [f"it also has {', '.join(more)}"] if more else []
    return DataError(
        f"{name} does not have the columns of {whole.files[0][0]}: {' and '.join(differences)}.",
        "Give files with the same columns, or mix them as data sets of their own.",
    )


def _without_rows(name: str, table: Table) -> DataError:
    if not table.rejected:
        return DataError(f"There are no rows in {name}.", "A table needs a header and at least one row below it.")
    first = table.rejected[0]
    return DataError(f"{none_can(table.total_rows)} be read. {first.where.capitalize()}: {first.reason}")
