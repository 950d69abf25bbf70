"""Passwords as hashes, and how they are compared: scrypt with the cost that RFC 7914 and OWASP name for sign-ins.

A password is never kept: neither in memory after the start, nor in a file, nor in a log.
"""

import base64
import hashlib
import secrets
from hmac import compare_digest

from finetune.errors import SettingError

COST, BLOCKS, LANES = 2**15, 8, 1
"""n, r and p of scrypt: 32 MB and a tenth of a second for one comparison."""
MOST_MEMORY = 128 * 2**20
SALT_BYTES = 16
LONGEST = 1000
"""Characters of a password: a longer one is never right."""


def hashed(password: str) -> str:
    """The hash of ``password``, ``scrypt$n$r$p$salt$hash``, with a salt of its own."""
    salt = secrets.token_bytes(SALT_BYTES)
    found = _scrypt(password, salt, COST, BLOCKS, LANES)
    return "$".join(["scrypt", str(COST), str(BLOCKS), str(LANES), _text(salt), _text(found)])


def is_hash(text: str) -> bool:
    """True if ``text`` is a hash that ``hashed`` could have made."""
    parts = text.split("$")
    return len(parts) == 6 and parts[0] == "scrypt" and all(part.isdigit() for part in parts[1:4])


def is_right(password: str, expected: str) -> bool:
    """True if ``expected`` is the hash of ``password``; how long it takes tells nothing about either."""
    _, cost, blocks, lanes, salt, found = expected.split("$")
    given = _scrypt(password[:LONGEST], base64.b64decode(salt), int(cost), int(blocks), int(lanes))
    return compare_digest(given, base64.b64decode(found)) and len(password) <= LONGEST


def people_in(lines: list[str], where: str) -> dict[str, str]:
    """Name -> hash of each ``name:password`` of ``lines``; a hash may stand for the password.

    Empty lines, and those that begin with #, are left out. ``where`` they are from is said in the ``SettingError``.
    """
    people = {}
    for line in (each.strip() for each in lines):
        if not line or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not (colon and name.strip() and password) or name != name.strip() or not name.isprintable():
            raise SettingError(
                f"{where} is not a name and a password.", "Write it as name:password, for example ada:correct-horse."
            )
        if name in people:
            raise SettingError(f"{where} names {name} twice.", "Give each name one password.")
        people[name] = password if is_hash(password) else hashed(password)
    return people


def _scrypt(password: str, salt: bytes, cost: int, blocks: int, lanes: int) -> bytes:
    given = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=cost, r=blocks, p=lanes, maxmem=MOST_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
