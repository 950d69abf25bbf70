"""Where an evaluation stands: a folder in the run directory, ``scores/KEY``, that outlives whoever works on it.

request.yaml    what was asked for
rows.jsonl      each row with both answers
scores.json     what was found, written last
and the files of every job (finetune.runs.job)
"""

import re
from pathlib import Path

import yaml
from pydantic import Field

from finetune import yaml_text
from finetune.errors import RunError
from finetune.evaluation.scores import Row, Scores
from finetune.rewards.judge import Judge
from finetune.runs.job import Job
from finetune.runs.numbering import slug
from finetune.runs.run import Run
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


class Sheet(Job):
    """One evaluation of a run."""

    def __init__(self, run: Run, key: str = HELD_OUT):
        super().__init__(run, run.path / "scores" / key)
        self.key = key

    def ask(self, request: Request) -> "Sheet":
        """Note down ``request``; what an earlier one found stays until this one has found something."""
        self.request_anew(yaml.safe_dump(request.model_dump(mode="json", exclude_defaults=True)))
        return self

    @property
    def request(self) -> Request | None:
        """What was asked for and is not done yet; None if nothing is."""
        try:
            return Request.model_validate(yaml_text.read((self.folder / self.asked).read_text()) or {})
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

    def finish(self, scores: Scores, rows: list[Row]) -> None:
        """Write what was found: all of it or nothing."""
        text = "".join(row.model_dump_json() + "\n" for row in rows)
        self.write("rows.jsonl", text)
        self.write("scores.json", scores.model_dump_json(indent=1))
        self.close()


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
