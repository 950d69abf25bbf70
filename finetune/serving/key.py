"""The key that programs send with each request. Only its hash is kept, and it is never printed or logged."""

import hashlib
import os
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from finetune.door.hosts import is_loopback
from finetune.errors import SettingError

VARIABLE = "FINETUNE_API_KEY"
FEWEST = 16
"""Characters of a key: so long a random one is guessed by nobody."""
LONGEST = 1000
MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
"""A command that prints a new key."""


@dataclass(frozen=True)
class Key:
    """A key, as its hash."""

    digest: bytes
    file: Path | None = None
    """The file that holds it; None if it is from the environment."""

    @classmethod
    def of(cls, key: str, file: Path | None = None) -> "Key":
        """Of the text ``key``."""
        return cls(_digest(key), file)

    def opens(self, authorization: str | None) -> bool:
        """True if a request with this header has the key; how long it takes tells nothing of it."""
        scheme, _, given = (authorization or "").partition(" ")
        given = given.strip()
        return compare_digest(_digest(given), self.digest) and scheme.lower() == "bearer" and len(given) <= LONGEST


def key_for(host: str, file: Path | None = None) -> Key | None:
    """The key in ``file``, or else in the environment; None where there is none and only this machine can connect.

    ``SettingError`` if others could connect without one, or if it is too short or cannot be read.
    """
    text = os.environ.get(VARIABLE, "").strip() if file is None else _read(file)
    where = VARIABLE if file is None else f"the file {file}"
    if not text and file is None:
        if is_loopback(host):
            return None
        raise SettingError(
            f"At {host} others could ask these models, and there is no key that they would need.",
            f"Put a key into {VARIABLE}, or into a file that --key-file names. This makes one: {MAKE}",
        )
    if len(text) < FEWEST or len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingError(
            f"The key in {where} is no key: it has {FEWEST} or more letters, digits and signs, in one word.",
            f"This makes one: {MAKE}",
        )
    return Key.of(text, file)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingError(f"The file {file} cannot be read.", "Check the path of --key-file.") from None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
