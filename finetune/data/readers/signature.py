"""What a file is according to its bytes: magic numbers, archives, markup.

A picture, an archive or a web page renamed ``.csv`` is called what it is.
"""

import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from finetune.data.readers.encoding import HEAD_BYTES, EncodingError, head_of, marked_encoding
from finetune.data.readers.guess import PREVIEW_CHARACTERS, Guess
from finetune.errors import DataError

ZIP = b"PK\x03\x04"
MAX_UNPACKED = 128 * 2**20
"""Bytes of a document in a zip archive once unpacked; its XML is read at about 10 MB a second."""
FREE_BYTES = 16 * 2**20
"""Up to here, the unpacked size is not compared with that of the file."""
MAX_RATIO = 100
"""Beyond that, to this many times its size; documents pack to a tenth."""
MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"FEA1", "a Feather file of the first version"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"RIFF", "an audio, image or video file"),
    (b"OggS", "an audio file"),
    (b"ID3", "an audio file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)

HTML = "a web page (HTML)"
MARKUP = (
    (r"<!doctype html|<html|<head|<body|<table", HTML),
    (r"<\?xml", "an XML file"),
    (r"\{\\rtf", "an RTF document"),
)


@dataclass(frozen=True)
class Head:
    """The beginning of a file, by which its reader is found."""

    path: Path
    bytes: bytes
    """The first ``HEAD_BYTES``."""
    encoding: str = "auto"
    """As ``DataSettings.encoding`` says."""

    @classmethod
    def of(cls, path: Path, encoding: str = "auto") -> "Head":
        """The beginning of the file ``path``."""
        with path.open("rb") as file:
            return cls(path, file.read(HEAD_BYTES), encoding)

    @property
    def suffix(self) -> str:
        """The end of the file's name, in lower case: ``.csv``."""
        return self.path.suffix.lower()

    @cached_property
    def text(self) -> str:
        """The first characters; only meaningful if the file is text."""
        return head_of(self.path, self.encoding)

    def open(self) -> TextIO:
        """The file as text from its beginning; bytes that cannot be decoded are replaced."""
        name = marked_encoding(self.bytes, self.encoding)
        return self.path.open(encoding=name, errors="replace", newline="")


def members(path: Path) -> dict[str, int]:
    """Name -> bytes once unpacked, of all files in a zip archive; ``DataError`` if the archive is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename: info.file_size for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise DataError(f"{path.name} is a damaged Excel file or zip archive.", "Save or download it again.") from None


def refuse_bomb(path: Path, what: str) -> None:
    """``DataError`` if a zip archive that is ``what`` unpacks to more than it may."""
    unpacked, packed = sum(members(path).values()), path.stat().st_size
    if unpacked > MAX_UNPACKED or unpacked > max(FREE_BYTES, MAX_RATIO * packed):
        raise DataError(
            f"{path.name} unpacks to {unpacked // 2**20:,} MB, which is too much for {what} of its size.",
            "Save it as CSV.",
        )


def binary_kind(head: Head) -> str:
    """What a file is that is not text, with its article: ``a PNG image``; empty for a text.

    ``EncodingError`` for text that is probably UTF-16 but lacks its byte-order mark.
    """
    start = head.bytes
    if start.startswith(ZIP):
        return "a zip archive"
    for magic, what in MAGIC:
        # A text may begin with the same two or three letters, so short signatures count only with control characters.
        if start.startswith(magic) and (len(magic) > 3 or _controls(start[:512])):
            return what
    if marked_encoding(start, head.encoding).startswith(("utf-16", "utf-32")):
        return ""
    if start.count(0) * 3 > len(start):
        raise _maybe_wide(head)
    return "a binary file" if _controls(start) * 10 > len(start) else ""


def markup_kind(head: Head) -> str:
    """What a text in a markup language is, with its article: ``a web page (HTML)``; empty for any other text."""
    start = head.text.lstrip()
    return next((what for pattern, what in MARKUP if re.match(pattern, start, re.IGNORECASE)), "")


def _maybe_wide(head: Head) -> DataError:
    """The error for a file of which much is zero bytes; it offers UTF-16 where the file reads well so."""
    message = f"{head.path.name} is a binary file, or UTF-16 text without its byte-order mark."
    text = head.bytes[: len(head.bytes) // 2 * 2].decode("utf-16-le", errors="replace")
    if "\ufffd" in text or not any(letter.isspace() for letter in text) or _controls(text.encode()):
        return DataError(message, "Save it as UTF-8.")
    return EncodingError(message, "Save it as UTF-8.", [Guess("utf-16", text[:PREVIEW_CHARACTERS])])


def _controls(head: bytes) -> int:
    """How many bytes are control characters that text does not have."""
    return sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1b")
