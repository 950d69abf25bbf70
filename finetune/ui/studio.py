"""Studio: what the page holds for the life of the process. One per page, handed to every tab; no globals.

Its caches are copies of what is on the disk: losing them costs time and nothing else.
"""

import hashlib
import logging
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finetune.chat import Pairs
from finetune.data.dataset import Dataset, read, read_sides
from finetune.data.report import Report, check
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.errors import DataError, FinetuneError, ModelError, RunError
from finetune.jobs import Jobs
from finetune.methods import METHODS, Method
from finetune.recipe import ModelSettings, Recipe
from finetune.run import Follower, Run, slug
from finetune.view import ACTIVE, View
from finetune.workspace import Workspace

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".txt", ".md")
"""The files that the Data tab takes."""

REPEAT_S = 3.0
"""The same recipe started again within this time is a double click, not a wish for two runs."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """The data a person has chosen: how it is read, what to call it, and what was found in it."""

    settings: DataSettings
    name: str
    kind: str = ""
    """The kind of its examples; empty if there is nothing to train on."""
    rows: int = 0
    longest: int = 0
    """Tokens of the longest row."""
    tokens: int = 0
    """Tokens of all rows together."""

    def __hash__(self) -> int:
        """Gradio tells by the hash whether a state has changed."""
        return hash((self.settings.model_dump_json(), self.name, self.kind, self.rows, self.longest, self.tokens))


@dataclass(frozen=True)
class Checked:
    """A data file, read and checked for one model and one length."""

    dataset: Dataset
    report: Report
    method: Method
    """The method whose mask is shown."""
    note: str = ""
    """What the person should know about how the tokens were counted; empty if there is nothing to say."""

    def chosen(self, settings: DataSettings, name: str) -> Chosen:
        """This data as a choice of the person's."""
        report, name = self.report, name[:80]
        if not report.kept:
            return Chosen(settings, name)
        return Chosen(settings, name, self.dataset.kind, report.kept, report.longest, report.tokens)


class Cache:
    """The results of the last few calls, by key; a value is made once even if two ask for it at a time."""

    def __init__(self, size: int):
        self._size = size
        self._values: OrderedDict = OrderedDict()
        self._making = threading.RLock()

    def get(self, key, make: Callable):
        """The value of ``key``, made now if it is not at hand."""
        with self._making:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return self._values[key]


class Studio:
    """The engine as the page uses it."""

    def __init__(self, workspace: Workspace | None = None):
        self.workspace = workspace or Workspace()
        self.jobs = Jobs(self.workspace)
        self.pairs = Pairs(self.workspace)
        self._followers: dict[str, Follower] = {}
        self._checked = Cache(4)
        self._tokenizers = Cache(3)
        self._prompts = Cache(16)
        self._starting = threading.Lock()
        self._last_start: tuple[str, float, Run] | None = None
        self._machine = ""
        self._is_warming = False

    @property
    def machine(self) -> str:
        """This machine in words; until the heavy libraries are there nobody can ask it."""
        if not self._machine and self.jobs.is_warm:
            from finetune.hardware import machine

            self._machine = machine().words
        return self._machine or "Getting ready…"

    def warm(self) -> None:
        """Load the heavy libraries in the background; only the first call does anything."""
        with self._starting:
            if not self._is_warming:
                self._is_warming = True
                self.jobs.warm()

    def views(self) -> list[tuple[Run, View]]:
        """Every run with its view, newest first."""
        return [(run, self.view(run)) for run in self.workspace.runs()]

    def view(self, run: Run) -> View:
        """What is known of ``run`` now; only what is new is read."""
        return self._followers.setdefault(run.id, Follower(run)).poll()

    def current(self) -> tuple[Run, View] | None:
        """The run at work on this machine, by this process or another one."""
        return next(((run, view) for run, view in self.views() if view.state in ACTIVE), None)

    def tokenizer(self, model: ModelSettings):
        """The tokenizer of ``model``, kept for the next time."""
        from finetune.libraries import load_tokenizers
        from finetune.model import load_tokenizer

        load_tokenizers()
        return self._tokenizers.get(model, lambda: load_tokenizer(model, self.workspace))

    def counting_tokenizer(self, model_id: str) -> tuple[object, str]:
        """The tokenizer to count and colour with, and a note where it is not the chosen model's.

        Looking at data never downloads a model.
        """
        if not self.has_model(model_id):
            note = f"{model_id} is not on this machine yet, so these are the starter's tokens; its own differ a little."
            return self.tokenizer(ModelSettings()), note
        try:
            return self.tokenizer(ModelSettings(id=model_id or "starter")), ""
        except ModelError as error:
            return self.tokenizer(ModelSettings()), f"{error.message} These are the starter's tokens."

    def checked(self, settings: DataSettings, model_id: str, length: int) -> Checked:
        """The data that ``settings`` name, read and checked; a bad file raises ``DataError``."""
        path = self.workspace.find(settings.path, trusted=False)
        key = (path, path.stat().st_mtime_ns, settings.model_dump_json(), model_id, length)
        return self._checked.get(key, lambda: self._check(path, settings, model_id, length))

    def _check(self, path: Path, settings: DataSettings, model_id: str, length: int) -> Checked:
        dataset = read(path, settings)
        method = method_for(dataset.kind)
        tokenizer, note = self.counting_tokenizer(model_id)
        report = check(dataset, lambda example: method.pieces(example, tokenizer, length))
        return Checked(dataset, report, method, note)

    def columns(self, settings: DataSettings) -> tuple[str, ...]:
        """The columns of the file that ``settings`` name; none if it is no table."""
        try:
            return read_table(self.workspace.find(settings.path, trusted=False)).columns
        except FinetuneError:
            return ()

    def add_upload(self, source: Path, name: str) -> DataSettings:
        """Copy a file a person sent into the workspace, under a name made here; the settings that read it."""
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(
                f"Files ending in {suffix or 'nothing'} cannot be read.", f"Use one of {', '.join(SUFFIXES)}."
            )
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        target = self.workspace.uploads_dir / f"{slug(Path(name).stem)}-{digest}{suffix}"
        if not target.exists():
            shutil.copyfile(source, target)
        return DataSettings(path=target.relative_to(self.workspace.path).as_posix())

    def start(self, recipe: Recipe) -> Run:
        """Queue a run of ``recipe``; a second click on the same button gets the run of the first."""
        self.workspace.find(recipe.data.path, trusted=False)
        if recipe.data.held_out:
            self.workspace.find(recipe.data.held_out, trusted=False)
        text = recipe.to_yaml(full=True)
        with self._starting:
            if self._last_start and self._last_start[0] == text and time.monotonic() - self._last_start[1] < REPEAT_S:
                return self._last_start[2]
            run = self.jobs.submit(recipe, trusted=False)
            self._last_start = (text, time.monotonic(), run)
            return run

    def held_out_prompts(self, run: Run, most: int = 6) -> list[str]:
        """A few questions from the rows that ``run`` never learnt from; none if they cannot be read."""
        return self._prompts.get((run.id, most), lambda: self._held_out_prompts(run, most))

    def _held_out_prompts(self, run: Run, most: int) -> list[str]:
        recipe = run.recipe
        try:
            path = self.workspace.find(recipe.data.path)
            *_, held_out = read_sides(path, recipe.data, recipe.training.seed)
        except FinetuneError as error:
            log.info("No prompts for %s: %s", run.id, error.message)
            return []
        questions = (question(example) for example in held_out)
        return list(dict.fromkeys(text for text in questions if text and len(text) <= 300))[:most]

    def has_model(self, model_id: str) -> bool:
        """True unless ``model_id`` would first have to be fetched from the hub."""
        if "/" not in (model_id or ""):
            return True
        from huggingface_hub import try_to_load_from_cache

        try:
            return isinstance(try_to_load_from_cache(model_id, "config.json"), str)
        except ValueError:
            # No id of a model at all; whoever loads it says so.
            return True


def method_for(kind: str) -> Method:
    """The first method that learns from examples of ``kind``, with its defaults."""
    for cls in METHODS.values():
        if kind in cls.reads:
            return cls()
    raise DataError(f"No method here learns from {kind} examples.", "Choose another format for the rows.")


def question(example: dict) -> str:
    """The first thing the user says in ``example``; empty for plain text."""
    messages = example.get("messages") or example.get("prompt") or []
    return next((message["content"] for message in messages if message.get("role") == "user"), "")


def as_run(studio: Studio, run_id: str | None) -> Run | None:
    """The run named ``run_id``, or None if there is none (any more)."""
    try:
        return studio.workspace.run(run_id) if run_id else None
    except RunError:
        return None
