"""Parquet, in small batches: a file of a few bytes can unpack to billions of rows, so sizes are checked meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

from finetune.data.readers.arrow import BATCH_ROWS, Unpacking
from finetune.data.readers.damage import damaged
from finetune.data.readers.reader import Reader
from finetune.data.table import MAX_ROW_CHARACTERS, MAX_ROWS, Reading, Table
from finetune.errors import DataError

BATCH_BYTES = 32 * 2**20
"""Unpacked size of a batch, at most."""
DICTIONARIES = {2, 8}
"""Numbers of the dictionary encodings, which store a value once for all rows that have it."""


class Parquet(Reader):
    """Columns in row groups, each read in batches."""

    titles = ("Parquet",)
    suffixes = hub_suffixes = (".parquet",)
    order = 40

    def claims(self, head):
        return head.bytes.startswith(b"PAR1")

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of the file, with lists and structs as Python lists and dicts."""
        from pyarrow.parquet import ParquetFile

        table = Table("Parquet", reading=reading)
        with damaged(path), ParquetFile(path, memory_map=False, page_checksum_verification=True) as file:
            total = file.metadata.num_rows
            if total > MAX_ROWS:
                raise DataError(f"{path.name} has {total:,} rows; {MAX_ROWS:,} can be read.", "Take fewer rows.")
            table.name_columns(tuple(file.schema_arrow.names))
            table.share = lambda: table.total_rows / total
            unpacking = Unpacking(table, path)
            for number, (rows, chunks) in enumerate(row_groups(path)):
                size = _batch_rows(path, number, rows, chunks, unpacking)
                for batch in file.iter_batches(batch_size=size, row_groups=[number], use_threads=False):
                    unpacking.take(batch)
        return table


@dataclass(frozen=True)
class Chunk:
    """The metadata of one column in a row group."""

    path: str
    values: int
    """Of all rows together."""
    size: int
    """Bytes of its pages once unpacked."""
    has_dictionary: bool


def _batch_rows(path: Path, group: int, rows: int, chunks: list[Chunk], unpacking: Unpacking) -> int:
    """How many rows of a group can be unpacked at once; ``DataError`` if its metadata says that it is too large."""
    suspicious, most = [], 1
    for chunk in chunks:
        unpacking.expect(chunk.size)
        per_row = -(-chunk.values // max(rows, 1))
        if per_row > MAX_ROW_CHARACTERS or chunk.size > 4 * MAX_ROW_CHARACTERS * max(chunk.values, 1):
            raise DataError(f"The values of {chunk.path} are too large for training.", "Leave that column out.")
        most = max(most, per_row)
        if chunk.has_dictionary and per_row * BATCH_ROWS * chunk.size > BATCH_BYTES:
            suspicious.append(chunk.path)
    longest = max(_longest_values(path, suspicious, group), default=0) if suspicious else 0
    return max(1, min(BATCH_ROWS, BATCH_BYTES // (max(longest, 8) * most)))


def _longest_values(path: Path, columns: list[str], group: int) -> Iterator[int]:
    """Bytes of the longest value in the dictionary of each column; only the dictionary is unpacked, not the rows."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path, read_dictionary=columns, memory_map=False) as file:
        for batch in file.iter_batches(batch_size=1, row_groups=[group], columns=columns, use_threads=False):
            yield from map(_longest, batch.columns)
            return


def _longest(array) -> int:
    """Bytes of the longest value in the dictionaries of ``array``."""
    import pyarrow
    from pyarrow import compute

    kind = array.type
    if pyarrow.types.is_dictionary(kind):
        return compute.max(compute.binary_length(array.dictionary)).as_py() or 0
    if pyarrow.types.is_struct(kind):
        return max((_longest(part) for part in array.flatten()), default=0)
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind) or pyarrow.types.is_map(kind):
        return _longest(array.values)
    return 0


def row_groups(path: Path) -> Iterator[tuple[int, list[Chunk]]]:
    """The rows of each row group, and its column chunks.

    Read from the file's footer here, because pyarrow ends the whole process over some damaged column metadata (the
    field numbers are those of parquet.thrift).
    """
    with path.open("rb") as file:
        file.seek(-8, SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, SEEK_END)
        footer, _ = _struct(file.read(length), 0)
    for group in footer.get(4, []):
        chunks = []
        for column in (chunk[3] for chunk in group[1]):
            name = b".".join(column[3]).decode()
            chunks.append(Chunk(name, column[5], max(column[6], 0), not DICTIONARIES.isdisjoint(column[2])))
        yield group[3], chunks


def _struct(data: bytes, at: int) -> tuple[dict, int]:
    """The fields of a struct in Thrift's compact protocol by their numbers, and where it ends."""
    fields, number = {}, 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if head & 15 in (1, 2):
            fields[number] = head & 15 == 1
        else:
            fields[number], at = _value(data, at, head & 15)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[object, int]:
    """A value of a Thrift ``kind``, and where it ends."""
    if kind <= 3:
        return data[at], at + 1
    if kind <= 6:
        return _integer(data, at)
    if kind == 7:
        return data[at : at + 8], at + 8
    if kind == 8:
        length, at = _varint(data, at)
        return data[at : at + length], at + length
    if kind == 12:
        return _struct(data, at)
    if kind not in (9, 10):
        raise ValueError(f"Its metadata has a value of the unknown type {kind}.")
    head, at, found = data[at], at + 1, []
    count, at = (head >> 4, at) if head >> 4 < 15 else _varint(data, at)
    for _ in range(count):
        value, at = _value(data, at, head & 15)
        found.append(value)
    return found, at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
