"""A file as a table of rows, whatever it is written in: told by its bytes, and with its values as they are written."""

from pathlib import Path

from finetune.data.delimited import read_delimited
from finetune.data.paragraphs import read_paragraphs
from finetune.data.parquet import read_parquet
from finetune.data.records import read_document, read_lines
from finetune.data.signature import kind_of
from finetune.data.spreadsheet import read_spreadsheet
from finetune.data.table import MAX_BYTES, Table, none_can
from finetune.errors import DataError

READERS = {
    "delimited": read_delimited,
    "document": read_document,
    "lines": read_lines,
    "paragraphs": read_paragraphs,
    "parquet": read_parquet,
    "spreadsheet": read_spreadsheet,
}


def read_table(path: Path) -> Table:
    """The rows of the CSV, TSV, JSON, JSONL, Parquet, Excel or text file ``path``.

    ``DataError`` says what the file is if it is none of these, which row, line or byte is wrong if it cannot be
    read, and that there are no rows if there are none.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise DataError(f"There is no file {path.name}.", "Check the path, or upload it again.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{path.name} is larger than {MAX_BYTES // 2**20} MB.", "Take a part of its rows.")
        table = READERS[kind_of(path)](path) if size else Table("empty")
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if not table.rows:
        raise _without_rows(path, table)
    return table


def _without_rows(path: Path, table: Table) -> DataError:
    if not table.rejected:
        return DataError(f"There are no rows in {path.name}.", "A table needs a header and at least one row below it.")
    first = table.rejected[0]
    return DataError(f"{none_can(table.total_rows)} be read. {first.where.capitalize()}: {first.reason}")
