"""What a file is, told from its bytes; its name only settles what the bytes leave open.

A picture, an archive or a web page renamed ``.csv`` is called what it is.
"""

import codecs
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from finetune.data.table import MAX_ROW_CHARACTERS, PULSE_ROWS, Table
from finetune.errors import DataError

HEAD_BYTES = 65536
"""Enough of a file to tell what it is and how its columns are separated."""
MAX_SHEET_BYTES = 128 * 2**20
"""Bytes of an Excel file once unpacked; its XML is read at about 10 MB a second."""
FREE_SHEET_BYTES = 16 * 2**20
"""Up to here, it may unpack to however much more than its own size."""
MAX_SHEET_RATIO = 100
"""Beyond that, to so many times its size; workbooks pack to a tenth."""

MAX_LINE_CHARACTERS = MAX_ROW_CHARACTERS + 3
"""A line is read up to here: one more than the longest row and its end."""
MAX_BLANK_CHARACTERS = 2**20
"""Blank lines are passed over up to here to tell what a file is (0.4 s); the reader's own limit decides on the rest."""
PREVIEW_CHARACTERS = 300
"""Enough of a text to see whether its letters are right."""
ARROW, ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"
CP1252_GAPS = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
"""Bytes that Windows' Western encoding leaves undefined, so that a file with one of them is Latin-1 instead."""

MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls or .doc)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"FEA1", "a Feather file of the first version"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"RIFF", "a sound, image or film"),
    (b"OggS", "a sound"),
    (b"ID3", "a sound"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks; the one of UTF-16 begins like the one of UTF-32, which is looked for first."""

MARKUP = (
    (r"<!doctype html|<html|<head|<body", "a web page (HTML)"),
    (r"<\?xml", "an XML file"),
    (r"\{\\rtf", "an RTF document"),
)

READABLE = "Give a CSV, JSON, JSONL, Parquet, Arrow, Excel (.xlsx) or text file."


class EncodingError(DataError):
    """A text that is not written in UTF-8, with an offer to read it otherwise."""

    def __init__(self, message: str, hint: str, encoding: str, preview: str):
        super().__init__(message, hint)
        self.encoding = encoding
        """What it is likely written in, as ``DataSettings.encoding`` names it."""
        self.preview = preview
        """Some of it read so."""


def kind_of(path: Path, told: str = "auto") -> str:
    """``parquet``, ``arrow``, ``spreadsheet``, ``lines``, ``document``, ``paragraphs`` or ``delimited``.

    ``told`` is the encoding of a text. ``DataError`` says what the file is if it is none of these.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(ARROW) or head.startswith(ARROW_STREAM) and path.suffix.lower() in (".arrow", ".feather"):
        return "arrow"
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    _refuse_binary(head, path, told)
    with path.open(encoding=marked_encoding(head, told), errors="replace", newline="") as file:
        return _text_kind(file, path.suffix.lower(), path)


def encoding_of(path: Path, told: str = "auto") -> str:
    """The Python name of the file's encoding, read through to the end: what its mark says, else what was ``told``.

    ``EncodingError`` names the first byte and line that are not in it, and what the file is likely written in.
    """
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), told)
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


def marked_encoding(head: bytes, told: str = "auto") -> str:
    """The encoding that a file's byte-order mark names; without one, the one it was ``told`` to be, or UTF-8."""
    if head.startswith(codecs.BOM_UTF8) or told in ("auto", "utf-8"):
        told = "utf-8-sig"
    elif told == "utf-16":
        told = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    return next((name for mark, name in MARKS if head.startswith(mark)), told)


def _not_in(path: Path, byte: int, line: int, label: str) -> "EncodingError":
    """The error for a file that is not written as ``label``, with what it is likely written in."""
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


def head_of(path: Path, told: str = "auto") -> str:
    """The beginning of a text, whatever is wrong further on."""
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), told)
    with path.open(encoding=name, errors="replace", newline="") as file:
        return file.read(HEAD_BYTES)


def lines_of(path: Path, table: Table, longest: int = MAX_LINE_CHARACTERS) -> Iterator[tuple[int, str, int]]:
    """Each line of a text with its number and its length; of one longer than ``longest`` characters, the beginning.

    Lines end as they do in the file (line feed, carriage return or both). Tells ``table`` how far it is.
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


def _zipped(path: Path) -> str:
    """``spreadsheet`` for an Excel workbook within budget; other archives are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename: info.file_size for info in archive.infolist()}
        unpacked, packed = sum(names.values()), path.stat().st_size
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise DataError(f"{path.name} is a damaged Excel file or zip archive.", "Save or download it again.") from None
    if "xl/workbook.xml" in names:
        if unpacked > MAX_SHEET_BYTES or unpacked > max(FREE_SHEET_BYTES, MAX_SHEET_RATIO * packed):
            raise DataError(
                f"{path.name} unpacks to {unpacked // 2**20:,} MB, which is too much for an Excel file of its size.",
                "Save it as CSV.",
            )
        return "spreadsheet"
    what = "a Word document" if "word/document.xml" in names else "a zip archive"
    raise _not_a_table(path, what)


def _refuse_binary(head: bytes, path: Path, told: str) -> None:
    for magic, what in MAGIC:
        # Two or three letters may begin a text, so short signatures count only among bytes that text does not have.
        if head.startswith(magic) and (len(magic) > 3 or _controls(head[:512])):
            raise _not_a_table(path, what)
    if marked_encoding(head, told).startswith(("utf-16", "utf-32")):
        return
    if head.count(0) * 3 > len(head):
        raise _maybe_wide(head, path)
    if _controls(head) * 10 > len(head):
        raise _not_a_table(path, "a binary file")


def _maybe_wide(head: bytes, path: Path) -> DataError:
    """The error for a file of which much is zero bytes, with an offer if it reads well as UTF-16."""
    message = f"{path.name} is a binary file, or UTF-16 text without its byte-order mark."
    text = head[: len(head) // 2 * 2].decode("utf-16-le", errors="replace")
    if "\ufffd" in text or not any(letter.isspace() for letter in text) or _controls(text.encode()):
        return DataError(message, "Save it as UTF-8.")
    return EncodingError(message, "Save it as UTF-8.", encoding="utf-16", preview=text[:PREVIEW_CHARACTERS])


def _controls(head: bytes) -> int:
    """How many bytes are control characters that text does not have."""
    return sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1b")


def _text_kind(file, suffix: str, path: Path) -> str:
    """The kind of a text: JSON by how it begins, the rest by its name, else by whether it has columns."""
    head = file.read(HEAD_BYTES)
    start = head.lstrip()
    for pattern, what in MARKUP:
        if re.match(pattern, start, re.IGNORECASE):
            raise _not_a_table(path, what)
    if suffix in (".jsonl", ".ndjson") or re.match(r'\{\s*["}]|\[\s*(["{\[\]]|$)', start):
        file.seek(0)
        return _json_kind(file, suffix)
    if suffix == ".json":
        return "document"
    if suffix in (".csv", ".tsv", ".tab", ".psv"):
        return "delimited"
    if suffix in (".txt", ".md", ".markdown", ".text"):
        return "paragraphs"
    from finetune.data.readers.delimited import delimiter_of

    return "delimited" if delimiter_of(head) else "paragraphs"


def _json_kind(file, suffix: str) -> str:
    """``lines`` if each line is a JSON value of its own, ``document`` if the file is one value.

    Where blank lines hide what comes next, a file named so or one that begins with an object has lines: their reader
    passes blank ones over, and says so if it takes too long.
    """
    first = _next_line(file) or ""
    second = _next_line(file) if first else ""
    named_lines = suffix in (".jsonl", ".ndjson")
    if _is_json(first):
        may_go_on = first.startswith("{") and (named_lines or second is None)
        return "lines" if second or may_go_on else "document"
    # A pretty-printed document opens with a bracket alone; a damaged first line is longer and still a line.
    return "lines" if named_lines and first not in ("[", "{") and not first.startswith("[{") else "document"


def _next_line(file) -> str | None:
    """The next line with something in it, without the space around it; empty at the end.

    None if there is nothing but blank lines for ``MAX_BLANK_CHARACTERS``.
    """
    left = MAX_BLANK_CHARACTERS
    while left > 0:
        line = file.readline(MAX_ROW_CHARACTERS)
        if not line or line.strip():
            return line.strip()
        left -= len(line)
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _not_a_table(path: Path, what: str) -> DataError:
    return DataError(f"{path.name}: This is {what}, not a table of examples.", READABLE)
