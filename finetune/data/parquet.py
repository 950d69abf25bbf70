"""Parquet, in small batches: a file of a few bytes can unpack to billions of rows, so the budget counts as it goes."""

from pathlib import Path

from finetune.data.table import MAX_BYTES, MAX_ROWS, Table
from finetune.errors import DataError

BATCH_ROWS = 256


def read_parquet(path: Path) -> Table:
    """The rows of the file, with lists and structs as Python lists and dicts."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    table = Table("Parquet")
    try:
        with ParquetFile(path, memory_map=False, page_checksum_verification=True) as file:
            if file.metadata.num_rows > MAX_ROWS:
                raise DataError(
                    f"{path.name} has {file.metadata.num_rows:,} rows; {MAX_ROWS:,} can be read.", "Take a part."
                )
            table.name_columns(tuple(file.schema_arrow.names))
            for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
                _add(table, batch)
    except DataError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError, KeyError) as error:
        raise DataError(f"{path.name} is damaged: {_first_line(error)}", "Save or download it again.") from None
    return table


def _add(table: Table, batch) -> None:
    if table.size + batch.nbytes > MAX_BYTES:
        raise DataError(f"The rows unpack to more than {MAX_BYTES // 2**20} MB.", "Take a part of them.")
    size = batch.nbytes // max(batch.num_rows, 1)
    for row in batch.to_pylist():
        table.add(row, size=max(size, sum(len(value) for value in row.values() if isinstance(value, str))))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
