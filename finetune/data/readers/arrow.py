"""Arrow and Feather, as a file or as a stream, and what they share with Parquet: rows in record batches.

The file is not trusted: unpacked sizes are added up before anything is unpacked, and every batch is validated before
its values are read.
"""

import struct
from pathlib import Path

from finetune.data.faulty import Faulty
from finetune.data.readers.damage import damaged
from finetune.data.readers.decoder import Fault, strings_of
from finetune.data.readers.nested import restorers_of
from finetune.data.readers.reader import Reader
from finetune.data.table import MAX_BYTES, Reading, Table
from finetune.errors import DataError

ARROW, ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"
BATCH_ROWS = 256
FREE_BYTES = 32 * 2**20
"""Up to here, the unpacked size is not compared with that of the file."""
MAX_RATIO = 100
"""Beyond that, to this many times its size: text packs to a tenth, repeated text to a fiftieth."""
FILE_START = 8
"""Offset of the messages in an Arrow file; they are the same as in a stream."""


class Arrow(Reader):
    """Record batches, as a file or as a stream."""

    titles = ("Arrow",)
    suffixes = (".arrow", ".feather")
    hub_suffixes = (".arrow",)
    order = 50

    def claims(self, head):
        # A stream has no magic number: it begins with a marker of four bytes that other files may begin with too.
        return head.bytes.startswith(ARROW) or head.bytes.startswith(ARROW_STREAM) and head.suffix in self.suffixes

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of the file, with lists and structs as Python lists and dicts."""
        import pyarrow

        table, size = Table("Arrow", reading=reading), path.stat().st_size
        unpacking = Unpacking(table, path)
        with damaged(path), pyarrow.OSFile(str(path)) as file:
            start = _start(file, size)
            file.seek(start)
            for message in pyarrow.ipc.MessageReader.open_stream(file):
                unpacking.expect(_unpacked_bytes(message))
            file.seek(start)
            stream = pyarrow.ipc.open_stream(file)
            table.name_columns(tuple(stream.schema.names))
            table.share = lambda: file.tell() / size
            for batch in stream:
                batch.validate(full=True)  # offsets that point outside would otherwise end the process
                for first in range(0, batch.num_rows, BATCH_ROWS):
                    unpacking.take(batch.slice(first, BATCH_ROWS))
        return table


def _start(file, size: int) -> int:
    """Offset of the messages; ``ValueError`` if the file is truncated."""
    if file.read(len(ARROW)) != ARROW:
        return 0
    file.seek(max(0, size - len(ARROW)))
    if file.read(len(ARROW)) != ARROW:
        raise ValueError("It is truncated.")
    return FILE_START


def _unpacked_bytes(message) -> int:
    """Unpacked bytes of the buffers of a batch or dictionary, as declared at the beginning of each buffer."""
    if message.type not in ("record batch", "dictionary"):
        return 0
    metadata, body = message.metadata.to_pybytes(), memoryview(message.body or b"")
    batch = _field(metadata, struct.unpack_from("<I", metadata)[0], 2)
    batch += struct.unpack_from("<I", metadata, batch)[0]
    if message.type == "dictionary":
        batch = _field(metadata, batch, 1)
        batch += struct.unpack_from("<I", metadata, batch)[0]
    if not _field(metadata, batch, 3):
        return len(body)
    buffers = _field(metadata, batch, 2)
    buffers += struct.unpack_from("<I", metadata, buffers)[0]
    total = 0
    for number in range(struct.unpack_from("<I", metadata, buffers)[0]):
        start, length = struct.unpack_from("<qq", metadata, buffers + 4 + 16 * number)
        unpacked = struct.unpack_from("<q", body, start)[0] if length >= 8 else 0
        total += length if unpacked < 0 else unpacked
    return total


def _field(metadata: bytes, table: int, number: int) -> int:
    """Offset of field ``number`` in a FlatBuffers table; 0 if it is absent. (flatbuffers.dev, "Internals")"""
    offsets = table - struct.unpack_from("<i", metadata, table)[0]
    place = 4 + 2 * number
    if place >= struct.unpack_from("<H", metadata, offsets)[0]:
        return 0
    offset = struct.unpack_from("<H", metadata, offsets + place)[0]
    return table + offset if offset else 0


class Unpacking:
    """Adds batches to ``table`` as rows, up to the size that the file at ``path`` may unpack to."""

    def __init__(self, table: Table, path: Path):
        self._table, self._expected, self._restorers = table, 0, None
        self._limit = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))

    def expect(self, size: int) -> None:
        """Add ``size`` bytes to the expected total; ``DataError`` if it exceeds the limit."""
        self._expected += size
        if self._expected > self._limit:
            raise self._too_large()

    def take(self, batch) -> None:
        """Add the rows of ``batch``, which all have one schema; ``DataError`` if the total exceeds the limit."""
        table = self._table
        if table.size + batch.nbytes > self._limit:
            raise self._too_large()
        if self._restorers is None:
            self._restorers = restorers_of(batch.schema)
        size = batch.nbytes // max(batch.num_rows, 1)
        for row in _rows(batch):
            for column, restore in self._restorers.items():
                try:
                    row[column] = restore(row[column])
                except Fault as fault:
                    row[column] = Faulty(str(fault))
            texts = list(strings_of(row))
            if any("\0" in text for text in texts):
                row = _without_nuls(row)
            table.add(row, size=max(size, sum(map(len, texts))))

    def _too_large(self) -> DataError:
        return DataError(f"The rows unpack to more than {self._limit // 2**20:,} MB.", "Take fewer rows.")


def _rows(batch) -> list[dict]:
    """The rows of ``batch``; a column with dates or times beyond Python's is read as Arrow writes them."""
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):
        columns = {name: _values(batch.column(name)) for name in batch.schema.names}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def _values(column) -> list:
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return column.cast("string").to_pylist()


def _without_nuls(row: dict) -> dict:
    """``row`` with a fault in place of each value that contains a NUL character."""
    fault = Faulty("It contains a NUL character, which is not text.")
    return {name: fault if any("\0" in text for text in strings_of(value)) else value for name, value in row.items()}
