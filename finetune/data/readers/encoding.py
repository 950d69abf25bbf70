"""The encoding of a text: what its byte-order mark says, what the settings say, or UTF-8; never an unseen guess."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from finetune.data.readers.guess import Guess, MixedError, guesses
from finetune.data.table import MAX_ROW_CHARACTERS, PULSE_ROWS, Table
from finetune.errors import DataError

HEAD_BYTES = 65536
"""Enough of a file to detect its kind and its delimiter."""
MAX_LINE_CHARACTERS = MAX_ROW_CHARACTERS + 3
"""A line is read up to here: one more than the longest row and its end."""
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks; the one of UTF-16 begins like the one of UTF-32, which is therefore tried first."""


class EncodingError(DataError):
    """A text that is not UTF-8, with the encodings that it probably has."""

    def __init__(self, message: str, hint: str, guesses: list[Guess]):
        super().__init__(message, hint)
        self.guesses = guesses
        """The likeliest first, each with some of the text."""

    @property
    def encoding(self) -> str:
        """The likeliest encoding, as ``DataSettings.encoding`` names it."""
        return self.guesses[0].encoding

    @property
    def preview(self) -> str:
        """Some of the text in that encoding."""
        return self.guesses[0].preview


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


def _not_in(path: Path, byte: int, line: int, label: str) -> DataError:
    """The error for a file that is not ``label``, with the encodings that it probably has."""
    message = f"Byte {byte:,} of {path.name}, in line {line:,}, is not {label} text."
    try:
        found = guesses(path, line)
    except MixedError:
        return DataError(
            f"{message} Other lines are UTF-8, so the file mixes encodings.", "Save each part as UTF-8, then join them."
        )
    likely = f" Or name its encoding (data.encoding), which is probably {found[0].encoding}."
    hint = f'Save the file as UTF-8 (in Excel: "CSV UTF-8"; in Notepad: Encoding, UTF-8).{likely}'
    return EncodingError(message, hint, found)


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
