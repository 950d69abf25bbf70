"""Rows that a person makes of answers: those to keep as they are, and those that they correct.

Each kind has a file of the workspace that only grows: JSON lines, ready to train on. A row holds the conversation as
the model was asked it. Only its last answer is trained on: the earlier ones have weight 0.
"""

import errno
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from finetune.errors import DataError, DiskError, RunError
from finetune.runs.workspace import WHY_NOT, Workspace

BROKEN = re.compile(r"[\0\ud800-\udfff]")
"""What no data file can have."""


@dataclass(frozen=True)
class Collection:
    """One of the two files."""

    key: str
    file: str
    """Its name."""
    title: str
    noun: str
    """One of its rows in words."""
    plural: str
    line: str
    """What training on them does, as a sentence."""

    def path(self, workspace: Workspace) -> Path:
        """Where it is, or will be once it has a row."""
        return workspace.kept_dir / self.file


ANSWERS = Collection(
    "answers",
    "kept-answers.jsonl",
    "Answers you kept",
    "row",
    "rows",
    "Conversations for SFT: the model learns to answer like this.",
)
CORRECTIONS = Collection(
    "corrections",
    "corrections.jsonl",
    "Corrections",
    "pair",
    "pairs",
    "Pairs for DPO: your text is preferred to the model's answer.",
)
COLLECTIONS = {each.key: each for each in (ANSWERS, CORRECTIONS)}
"""Both files, by their key."""


def keep(workspace: Workspace, asked: list[dict], answer: str) -> int:
    """Append a conversation to train on: ``asked``, and ``answer`` to it; returns how many there are."""
    earlier = [{**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in _turns(asked)]
    return _append(workspace, ANSWERS, {"messages": [*earlier, *_turns([_said(answer)])]}, answer)


def correct(workspace: Workspace, asked: list[dict], answer: str, corrected: str) -> int:
    """Append a preference pair: of the answers to ``asked``, ``corrected`` is preferred; returns how many there are."""
    if corrected.strip() == answer.strip():
        raise DataError("The corrected answer is the same as before.", "Change it, or keep it as a training row.")
    row = {"prompt": asked, "chosen": [_said(corrected)], "rejected": [_said(answer)]}
    return _append(workspace, CORRECTIONS, {column: _turns(turns) for column, turns in row.items()}, corrected)


def count(workspace: Workspace, collection: Collection) -> int:
    """How many rows of ``collection`` there are."""
    return len(_rows(collection.path(workspace)))


def _said(answer: str) -> dict:
    return {"role": "assistant", "content": answer}


def _turns(turns: list[dict]) -> list[dict]:
    """``turns`` with texts as a data file can have them: U+FFFD for NUL and for half of a surrogate pair."""
    return [{"role": turn["role"], "content": BROKEN.sub("\ufffd", turn["content"])} for turn in turns]


def _append(workspace: Workspace, collection: Collection, row: dict, answer: str) -> int:
    """Append ``row`` on a line of its own, on the disk before this returns; one that is there already is not repeated.

    ``DataError`` if its ``answer`` is empty; ``DiskError`` or ``RunError`` if it cannot be written.
    """
    if not answer.strip():
        raise DataError("The answer is empty, so there is nothing to train on.", "Write an answer first.")
    path, line = collection.path(workspace), json.dumps(row, ensure_ascii=False).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), is_singleton=False):
            rows = _rows(path)
            if line in rows:
                return len(rows)
            _write(path, line + b"\n")
            return len(rows) + 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskError("The disk is full, so the row was not kept.", "Delete a run or free some space.") from None
        why = WHY_NOT.get(error.errno, error.strerror)
        raise RunError(f"The row was not kept: {path.name} cannot be written, because {why}.") from None


def _write(path: Path, line: bytes) -> None:
    """Append ``line`` whole, or not at all; a line that a crash tore is removed first."""
    is_new = not path.exists()
    with open(path, "ab+", buffering=0) as file:
        whole = path.read_bytes().rfind(b"\n") + 1
        file.truncate(whole)
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            os.truncate(path, whole)
            raise
    if is_new and os.name != "nt":
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the disk know the names in ``folder``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rows(path: Path) -> list[bytes]:
    """The whole lines of the file; what a crash tore is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
