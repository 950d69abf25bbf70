"""The encoding of a text file: what its byte-order mark says, what the settings say, or UTF-8; never a guess."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from finetune.data.table import MAX_ROW_CHARACTERS, PULSE_ROWS, Table
from finetune.errors import DataError

HEAD_BYTES = 65536
"""Enough of a file to detect its kind and its delimiter."""
MAX_LINE_CHARACTERS = MAX_ROW_CHARACTERS + 3
"""A line is read up to here: one more than the longest row and its end."""
PREVIEW_CHARACTERS = 300
"""Enough of a text to see whether it is decoded correctly."""
CP1252_GAPS = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
"""Bytes that Windows' Western encoding leaves undefined, so that a file with one of them is Latin-1 instead."""

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks; the one of UTF-16 begins like the one of UTF-32, which is therefore tried first."""


class EncodingError(DataError):
    """A text that is not UTF-8, with the encoding that it probably has."""

    def __init__(self, message: str, hint: str, encoding: str, preview: str):
        super().__init__(message, hint)
        self.encoding = encoding
        """Its probable encoding, as ``DataSettings.encoding`` names it."""
        self.preview = preview
        """Some of the text in that encoding."""


def encoding_of(path: Path, requested: str = "auto") -> str:
    """The Python name of the file's encoding: what its mark says, else what was ``requested``; checked to the end.

    ``EncodingError`` names the first byte and line that it cannot decode, and the encoding that the file probably has.
    """
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), requested)
        file.seek(0)
        decoder, offset, line = codecs.getincrementaldecoder(name)(), 0, 1
        while True:
            chunk = file.read(2**20)
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                byte = offset - (len(error.object) - len(chunk)) + error.start
                line += error.object[: error.start].count(b"\n")
                label = {"utf-8-sig": "UTF-8"}.get(name, name.upper())
                raise _not_in(path, byte, line, label) from None
            if not chunk:
                return name
            offset += len(chunk)


def marked_encoding(head: bytes, requested: str = "auto") -> str:
    """The encoding that a file's byte-order mark names; without one, the one ``requested``, or UTF-8."""
    if head.startswith(codecs.BOM_UTF8) or requested in ("auto", "utf-8"):
        requested = "utf-8-sig"
    elif requested == "utf-16":
        requested = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    return next((name for mark, name in MARKS if head.startswith(mark)), requested)


def _not_in(path: Path, byte: int, line: int, label: str) -> "EncodingError":
    """The error for a file that is not ``label``, with the encoding that it probably has."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, byte - PREVIEW_CHARACTERS // 2))
        fault = file.read(PREVIEW_CHARACTERS)
    likely = "latin-1" if any(gap in head + fault for gap in CP1252_GAPS) else "cp1252"
    preview = head[:PREVIEW_CHARACTERS] if byte < PREVIEW_CHARACTERS else fault
    return EncodingError(
        f"Byte {byte:,} of {path.name}, in line {line:,}, is not {label} text.",
        'Save the file as UTF-8 (in Excel: "CSV UTF-8"; in Notepad: Encoding, UTF-8).',
        encoding=likely,
        preview=preview.decode(likely, errors="replace"),
    )


def head_of(path: Path, requested: str = "auto") -> str:
    """The first ``HEAD_BYTES`` characters of a text; bytes that cannot be decoded are replaced."""
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), requested)
    with path.open(encoding=name, errors="replace", newline="") as file:
        return file.read(HEAD_BYTES)


def lines_of(path: Path, table: Table, longest: int = MAX_LINE_CHARACTERS) -> Iterator[tuple[int, str, int]]:
    """Each line of a text with its number and its length; of one longer than ``longest`` characters, the beginning.

    Lines end as they do in the file (line feed, carriage return or both). Reports progress to ``table``.
    """
    size = path.stat().st_size
    with path.open(encoding=encoding_of(path, table.reading.encoding), newline="") as file:
        table.share = lambda: file.buffer.raw.tell() / size
        number = 0
        while line := file.readline(longest):
            number, length, more = number + 1, len(line), line
            if number % PULSE_ROWS == 0:
                table.pulse()
            while len(more) == longest and more[-1] not in "\r\n":
                more = file.readline(longest)
                length += len(more)
                table.pulse()
            yield number, line, length
