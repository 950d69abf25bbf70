"""What a file is, told from its bytes; its name only settles what the bytes leave open.

A picture, an archive or a web page renamed ``.csv`` is called what it is.
"""

import codecs
import json
import re
import zipfile
from pathlib import Path

from finetune.data.table import MAX_ROW_CHARACTERS
from finetune.errors import DataError

HEAD_BYTES = 65536
"""Enough of a file to tell what it is and how its columns are separated."""
MAX_SHEET_BYTES = 128 * 2**20
"""Bytes of an Excel file once unpacked; its XML is read at about 10 MB a second."""

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
    (b"ARROW1", "an Arrow file"),
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

READABLE = "Give a CSV, JSON, JSONL, Parquet, Excel (.xlsx) or text file."


def kind_of(path: Path) -> str:
    """``parquet``, ``spreadsheet``, ``lines``, ``document``, ``paragraphs`` or ``delimited``.

    ``DataError`` says what it is if it is none of these.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    _refuse_binary(head, path)
    with path.open(encoding=_marked_encoding(head), errors="replace", newline="") as file:
        return _text_kind(file, path.suffix.lower(), path)


def encoding_of(path: Path) -> str:
    """The Python name of the file's encoding, read through to the end: UTF-8, or UTF-16 or UTF-32 with their mark.

    ``DataError`` names the first byte and line that are not.
    """
    with path.open("rb") as file:
        name = _marked_encoding(file.read(4))
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
                raise DataError(
                    f"Byte {byte:,} of {path.name}, in line {line:,}, is not {label} text.",
                    'Save the file as UTF-8 (in Excel: "CSV UTF-8"; in Notepad: Encoding, UTF-8).',
                ) from None
            if not chunk:
                return name
            offset += len(chunk)


def _marked_encoding(head: bytes) -> str:
    """The encoding that a file's byte-order mark names; UTF-8 without one."""
    return next((name for mark, name in MARKS if head.startswith(mark)), "utf-8-sig")


def _zipped(path: Path) -> str:
    """``spreadsheet`` for an Excel workbook within budget; other archives are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename: info.file_size for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise DataError(f"{path.name} is a damaged Excel file or zip archive.", "Save or download it again.") from None
    if "xl/workbook.xml" in names:
        if sum(names.values()) > MAX_SHEET_BYTES:
            raise DataError(f"{path.name} unpacks to more than {MAX_SHEET_BYTES // 2**20} MB.", "Save it as CSV.")
        return "spreadsheet"
    what = "a Word document" if "word/document.xml" in names else "a zip archive"
    raise _not_a_table(path, what)


def _refuse_binary(head: bytes, path: Path) -> None:
    for magic, what in MAGIC:
        # Two or three letters may begin a text, so short signatures count only among bytes that text does not have.
        if head.startswith(magic) and (len(magic) > 3 or _controls(head[:512])):
            raise _not_a_table(path, what)
    if _marked_encoding(head) != "utf-8-sig":
        return
    zeros = head.count(0)
    if zeros * 3 > len(head):
        raise DataError(
            f"{path.name} is a binary file, or UTF-16 text without its byte-order mark.", "Save it as UTF-8."
        )
    if _controls(head) * 10 > len(head):
        raise _not_a_table(path, "a binary file")


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
    from finetune.data.delimited import delimiter_of

    return "delimited" if delimiter_of(head) else "paragraphs"


def _json_kind(file, suffix: str) -> str:
    """``lines`` if each line is a JSON value of its own, ``document`` if the file is one value."""
    first = _next_line(file)
    second = _next_line(file)
    named_lines = suffix in (".jsonl", ".ndjson")
    if _is_json(first):
        return "lines" if second or (named_lines and first.startswith("{")) else "document"
    # A pretty-printed document opens with a bracket alone; a damaged first line is longer and still a line.
    return "lines" if named_lines and first not in ("[", "{") and not first.startswith("[{") else "document"


def _next_line(file) -> str:
    """The next line with something in it, without the space around it; empty at the end."""
    while line := file.readline(MAX_ROW_CHARACTERS):
        if line.strip():
            return line.strip()
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _not_a_table(path: Path, what: str) -> DataError:
    return DataError(f"{path.name}: This is {what}, not a table of examples.", READABLE)
