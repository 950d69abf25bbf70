"""Compressed files and archives: the one file in them, unpacked to where it can be read, up to a limit.

A file of a few bytes can unpack to all of the disk, so that bytes are counted while they are written.
"""

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from finetune.data.readers.reader import Reader
from finetune.data.readers.signature import MAX_RATIO, ZIP, Head, members
from finetune.data.table import MAX_BYTES
from finetune.errors import DataError, first_sentence

FREE_BYTES = 32 * 2**20
"""Up to here, the unpacked size is not compared with that of the file."""
CHUNK_BYTES = 2**20
SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz")
OFFICE = "[Content_Types].xml"
TAR, TAR_PLACE = b"ustar", 257
MOST_NAMED = 20
HIDDEN = (".", "__", "~$", "Thumbs.db")


class ChoiceError(DataError):
    """A file that holds several tables, one of which must be chosen."""

    def __init__(self, message: str, hint: str, choices: tuple[str, ...]):
        super().__init__(message, hint)
        self.choices = choices
        """Their names, as ``DataSettings.sheet`` takes them."""


@dataclass(frozen=True)
class Unpacked:
    """The file that was unpacked."""

    path: Path
    names: tuple[str, ...] = ()
    """All files of its archive, if that has several."""


def _zstd(path: Path) -> BinaryIO:
    import pyarrow

    return pyarrow.input_stream(str(path), compression="zstd")


OPENERS: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x28\xb5\x2f\xfd": _zstd,
}
"""Magic number of a compressed file -> what opens it."""


def is_packed(head: Head) -> bool:
    """True for a compressed file or an archive; an Office document is none, though packed as one."""
    if head.bytes.startswith(ZIP) and OFFICE in members(head.path):
        return False
    return head.bytes.startswith((ZIP, *OPENERS)) or _is_tar(head)


def _is_tar(head: Head) -> bool:
    return head.bytes[TAR_PLACE : TAR_PLACE + len(TAR)] == TAR


@contextmanager
def unpacked(head: Head, wanted: str | None, readers: tuple[Reader, ...]) -> Iterator[Unpacked]:
    """The file in a compressed file or archive, while the context lasts.

    In an archive it is the one called ``wanted``, or else the only one that one of the ``readers`` reads by its name.
    ``ChoiceError`` if there are several; ``DataError`` if it is damaged, or unpacks to more than it may.
    """
    path = head.path
    with tempfile.TemporaryDirectory(prefix="unpacked-", ignore_cleanup_errors=True) as folder:
        try:
            if head.bytes.startswith(ZIP):
                with zipfile.ZipFile(path) as archive:
                    sizes = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
                    found = _member(path.name, sizes, wanted, readers, folder)
                    _copy(archive.open(found.name), found.path, path)
            elif _is_tar(head):
                with tarfile.open(path, "r:") as archive:
                    sizes = {info.name: info.size for info in archive if info.isfile()}
                    found = _member(path.name, sizes, wanted, readers, folder)
                    _copy(archive.extractfile(found.name), found.path, path)
            else:
                opener = next(opener for magic, opener in OPENERS.items() if head.bytes.startswith(magic))
                found = _Member("", Path(folder) / _inner_name(path), ())
                _copy(opener(path), found.path, path)
        except (DataError, MemoryError):
            raise
        except OSError as error:
            if error.errno:
                raise
            raise _damaged(path, error) from None
        except RuntimeError as error:
            if "password" not in str(error):
                raise _damaged(path, error) from None
            raise DataError(f"{path.name} is protected by a password.", "Unpack it, and give the file in it.") from None
        except Exception as error:  # whatever a library raises over a damaged file
            raise _damaged(path, error) from None
        yield Unpacked(found.path, found.names)


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name} is a damaged archive: {first_sentence(error)}", "Save or download it again.")


@dataclass(frozen=True)
class _Member:
    name: str
    path: Path
    names: tuple[str, ...]


def _member(
    archive: str, sizes: dict[str, int], wanted: str | None, readers: tuple[Reader, ...], folder: str
) -> _Member:
    """The file of an archive to read: as ``wanted``, or the only one that can be."""
    names = [name for name, size in sizes.items() if size and not _is_hidden(name)]
    if wanted is not None and len(names) > 1:
        found = [name for name in names if wanted in (name, PurePosixPath(name).name)]
    else:
        tables = [name for name in names if _is_data(name, readers)]
        found = tables if tables else names
    if len(found) != 1:
        raise _choice(archive, wanted, found or names)
    return _Member(found[0], Path(folder) / (PurePosixPath(found[0]).name or "data"), tuple(names[1:] and names))


def _choice(archive: str, wanted: str | None, names: list[str]) -> DataError:
    if not names:
        return DataError(f"There is no file in {archive}.", "Pack the data again.")
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    listed = f"{', '.join(names[:MOST_NAMED])}{more}"
    message = f'There is no file "{wanted[:100]}" in {archive}.' if wanted else f"{archive} has several files."
    return ChoiceError(message, f"Choose one of them (data.sheet): {listed}.", tuple(names[:MOST_NAMED]))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(HIDDEN) and part != ".." for part in PurePosixPath(name).parts)


def _is_data(name: str, readers: tuple[Reader, ...]) -> bool:
    """True if a file is data by its name; a text beside data is rather a description of it."""
    suffix = PurePosixPath(name).suffix.lower()
    return any(suffix in reader.suffixes and reader.order < 1000 for reader in readers)


def _inner_name(path: Path) -> str:
    """The name of a compressed file once unpacked: ``rows.jsonl`` for ``rows.jsonl.gz``."""
    if path.suffix.lower() == ".tgz":
        return f"{path.stem}.tar"
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _copy(source: BinaryIO, target: Path, packed: Path) -> None:
    """Write ``source`` to the file ``target``; ``DataError`` if it is larger than ``packed`` may unpack to."""
    limit = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * packed.stat().st_size))
    size = 0
    with source, target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise DataError(
                    f"{packed.name} unpacks to more than {limit // 2**20:,} MB, which is too much for its size.",
                    "Unpack it, and give the file in it.",
                )
            file.write(chunk)
