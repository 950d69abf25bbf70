"""What a run was made from, as fingerprints: hashes that tell whether its rows or its base are still the same.

They are taken when a run begins (``events.Fingerprinted``). A run without them, of an older version, is not checked.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from finetune.errors import RunError
from finetune.runs.run import Run
from finetune.runs.view import View

WHOLE_BYTES = 2**28
"""A file of weights up to this size (256 MB) is hashed whole, in half a second at most."""
BLOCK_BYTES, EVERY_BYTES = 2**16, 2**24
"""Of a larger one, so much of every so much: 64 kB of every 16 MB, 32 MB in all where there are 8 GB."""


def rows_fingerprint(train: Iterable[dict], held_out: Iterable[dict]) -> str:
    """SHA-256 of the tokenized rows with their loss masks, in their order, training rows and held-out rows apart."""
    found = hashlib.sha256()
    for part in (train, held_out):
        for row in part:
            found.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        found.update(b"\n")
    return found.hexdigest()


def weights_fingerprint(folder: Path) -> str:
    """SHA-256 of the weights in ``folder``: name, size, header and content of each safetensors file.

    Of a file above ``WHOLE_BYTES`` only samples are read, so that a large model costs seconds and not minutes: another
    model, another training or another order of weights is noticed, a change of a few numbers between samples is not.
    """
    found = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.safetensors")):
        size = path.stat().st_size
        found.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            if size <= WHOLE_BYTES:
                while block := file.read(2**20):
                    found.update(block)
                continue
            header = 8 + int.from_bytes(file.read(8), "little")
            file.seek(0)
            found.update(file.read(min(header, WHOLE_BYTES)))
            for place in (*range(header, size, EVERY_BYTES), size - BLOCK_BYTES):
                file.seek(place)
                found.update(file.read(BLOCK_BYTES))
    return found.hexdigest()


def require_same_rows(run: Run, view: View, fingerprint: str) -> None:
    """``RunError`` if ``fingerprint`` is not that of the rows that ``run`` was trained on."""
    if view.fingerprint and view.fingerprint.rows not in ("", fingerprint):
        raise RunError(
            f"The data of run {run.id} has changed since: its rows are no longer those it was trained on.",
            "Restore the data file, or start a new run.",
        )


def require_same_base(run: Run, folder: Path) -> bool:
    """``RunError`` if the model in ``folder`` is not the base that ``run`` was trained on; False if it is not known."""
    known = run.view().fingerprint
    if known and known.base != weights_fingerprint(folder):
        model = run.recipe.model
        hub = "" if model.revision or "/" not in model.id else ", or set `model.revision` to that version"
        raise RunError(
            f"The model {model.id} has changed since run {run.id} was trained: its weights are no longer the same.",
            f"Restore the model that it was trained on{hub}; or start a new run.",
        )
    return known is not None


def require_same_start(run: Run, earlier: Run) -> None:
    """``RunError`` if ``earlier`` no longer has the tuned model that ``run`` began with."""
    known = run.view().fingerprint
    if known and known.start not in ("", weights_fingerprint(earlier.model_dir)):
        raise RunError(
            f"Run {earlier.id} has been trained on since run {run.id} began with its model, which is no longer there.",
            "Start a new run.",
        )
