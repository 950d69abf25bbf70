"""Who brought a file of the workspace, and whose a run is. Without an owner it was made where nobody signs in.

Several people may bring equal bytes, which are kept once. So each owner of a file is a file of its own in ``.owners``
beside it, and two who bring it at the same moment do not undo what the other one wrote.
"""

import hashlib
import json
import uuid
from pathlib import Path

FOLDER = ".owners"
DIGITS = 32
"""Hex digits of a hash in the name of a file or a folder."""


def add(file: Path, owner: str) -> None:
    """Note that ``owner`` brought ``file``, which may not be there yet."""
    write(_note(file, owner), {"name": owner, "file": file.name})


def owns(file: Path, owner: str) -> bool:
    """True if ``owner`` brought ``file``."""
    return _note(file, owner).is_file()


def drop(file: Path, owner: str) -> None:
    """Forget that ``owner`` brought ``file``."""
    _note(file, owner).unlink(missing_ok=True)


def owners(file: Path) -> list[str]:
    """Everyone who brought ``file``, sorted; nobody if it was brought where nobody signs in."""
    notes = (_read(note) for note in (file.parent / FOLDER).glob("*.json"))
    return sorted(note["name"] for note in notes if note.get("file") == file.name and "name" in note)


def digest(text: str) -> str:
    """A name for a file or a folder that belongs to ``text``."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def write(note: Path, content: dict) -> None:
    """Write ``content`` as JSON: all of it or nothing. Its folder is made if it is missing."""
    note.parent.mkdir(parents=True, exist_ok=True)
    unfinished = note.with_name(f".{uuid.uuid4().hex}")
    try:
        unfinished.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")
        unfinished.replace(note)
    finally:
        unfinished.unlink(missing_ok=True)


def read(note: Path) -> str | None:
    """The owner that ``note`` names; None without that file. A damaged one names nobody, which is the empty string."""
    return str(_read(note).get("name", "")) if note.exists() else None


def _note(file: Path, owner: str) -> Path:
    """The file that says that ``owner`` brought ``file``."""
    return file.parent / FOLDER / f"{digest(json.dumps([file.name, owner]))}.json"


def _read(note: Path) -> dict:
    try:
        found = json.loads(note.read_text(encoding="utf-8", errors="surrogatepass"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
