"""Where an evaluation stands: a folder in the run directory, ``scores/KEY``, that outlives whoever works on it.

request.yaml    what was asked for
progress.json   how far it is, while someone works on it
rows.jsonl      each row with both answers
scores.json     what was found, written last
failed.json     why nothing was found
tries           how often it was begun, while someone works on it
"""

import json
import re
import shutil
from pathlib import Path

import yaml
from pydantic import Field

from finetune import yaml_text
from finetune.errors import FinetuneError, RunError
from finetune.evaluation.scores import Row, Scores
from finetune.rewards.judge import Judge
from finetune.runs.run import Run, slug
from finetune.runs.tries import Tries
from finetune.settings import FilePath, Settings

HELD_OUT = "held-out"
"""The key of the evaluation at the end of a run, on its own held-out rows."""


class Request(Settings):
    """What an evaluation is about."""

    data: FilePath | None = None
    """File with rows to evaluate on. Left empty: the run's own held-out rows."""
    rows: int = Field(200, ge=1, le=100_000)
    """At most so many rows, a random sample."""
    general: FilePath | None = None
    """File with general questions, for what was forgotten. Left empty: those that ship with the program."""
    minutes: float | None = Field(None, gt=0, le=10_000)
    """Time after which no further rows are evaluated. Left empty: as long as it takes."""
    judge: Judge | None = None
    """A model that says of each pair of answers which is better."""
    trusted: bool = True
    """False for a visitor's request, which reaches uploads and samples only."""


class Sheet:
    """One evaluation of a run."""

    def __init__(self, run: Run, key: str = HELD_OUT):
        self.run = run
        self.key = key
        self.folder = run.path / "scores" / key

    def ask(self, request: Request) -> "Sheet":
        """Note down ``request``; what an earlier one found stays until this one has found something."""
        with self.run.here():
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
        (self.folder / "failed.json").unlink(missing_ok=True)
        self.tries.forget()
        self._write("request.yaml", yaml.safe_dump(request.model_dump(mode="json", exclude_defaults=True)))
        return self

    @property
    def tries(self) -> Tries:
        """How often it was begun."""
        return Tries(self.folder / "tries")

    @property
    def request(self) -> Request | None:
        """What was asked for and is not done yet; None if nothing is."""
        try:
            return Request.model_validate(yaml_text.read((self.folder / "request.yaml").read_text()) or {})
        except (OSError, ValueError, yaml.YAMLError):
            return None

    @property
    def scores(self) -> Scores | None:
        """What was found; None if nothing was yet."""
        try:
            return Scores.model_validate_json((self.folder / "scores.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def rows(self) -> list[Row]:
        """Each row with both answers."""
        try:
            lines = (self.folder / "rows.jsonl").read_text(encoding="utf-8").split("\n")
        except OSError:
            return []
        return [Row.model_validate_json(line) for line in lines if line]

    @property
    def failure(self) -> tuple[str, str]:
        """Message and hint if the last request failed; empty if not."""
        found = self._json("failed.json")
        return found.get("message", ""), found.get("hint", "")

    @property
    def progress(self) -> tuple[str, float]:
        """What is done now, as a noun phrase, and its share, 0 to 1; empty while nobody works on it."""
        found = self._json("progress.json")
        return found.get("what", ""), found.get("share", 0.0)

    def report(self, what: str, share: float) -> None:
        """Say how far it is."""
        self._write("progress.json", json.dumps({"what": what, "share": share}))

    def finish(self, scores: Scores, rows: list[Row]) -> None:
        """Write what was found: all of it or nothing."""
        text = "".join(row.model_dump_json() + "\n" for row in rows)
        self._write("rows.jsonl", text)
        self._write("scores.json", scores.model_dump_json(indent=1))
        self._close()

    def fail(self, error: FinetuneError) -> None:
        """Write why nothing was found."""
        self._write("failed.json", json.dumps({"message": error.message, "hint": error.hint}))
        self._close()

    def _close(self) -> None:
        for name in ("progress.json", "request.yaml"):
            (self.folder / name).unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the evaluation."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        unfinished = self.folder / f".{name}"
        with self.run.here():
            unfinished.write_text(text, encoding="utf-8", errors="replace")
            unfinished.replace(self.folder / name)

    def _json(self, name: str) -> dict:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}


def key_of(data: str | None) -> str:
    """The key of an evaluation on the file ``data``; that on the run's own rows if there is none."""
    return HELD_OUT if not data else f"file-{slug(Path(data).name)}"


def sheets(run: Run) -> list[Sheet]:
    """Every evaluation of ``run``, that on its own held-out rows first."""
    folder = run.path / "scores"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [Sheet(run, name) for name in sorted(names, key=lambda name: (name != HELD_OUT, name))]


def sheet(run: Run, key: str) -> Sheet:
    """The evaluation ``key`` of ``run``; ``RunError`` for a key that cannot be one."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", key):
        raise RunError(f"There is no evaluation {key[:60]!r}.", "Choose one that is listed.")
    return Sheet(run, key)


def read(run: Run, key: str = HELD_OUT) -> Scores | None:
    """What the evaluation ``key`` of ``run`` found; None if nothing was yet."""
    return Sheet(run, key).scores


def rows(run: Run, key: str = HELD_OUT) -> list[Row]:
    """The rows of that evaluation with both answers."""
    return Sheet(run, key).rows
