"""Studio: what the page holds for the life of the process. One per page, handed to every tab; no globals.

Its caches are copies of what is on the disk: losing them costs time and nothing else.
"""

import functools
import logging
import tempfile
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from finetune import format
from finetune.data.checks.check import most_severe_first
from finetune.data.counts import Counts
from finetune.data.dataset import Dataset
from finetune.data.hub import files, is_hub
from finetune.data.known import Stamps, stamps
from finetune.data.loading import fixed, held_out_path, read_split
from finetune.data.mix import files_read, main_alone, read_held_out, read_others
from finetune.data.readers import SUFFIXES
from finetune.data.report import Report, check
from finetune.data.settings import DataSettings
from finetune.data.sources import read_tables
from finetune.data.split import held_out_count
from finetune.data.summary import PREFILTER
from finetune.data.table import Table
from finetune.data.tokens import template_of
from finetune.errors import DataError, FinetuneError, ModelError, RunError
from finetune.inference.chat import Pairs
from finetune.methods import Method, method_for
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.run import Follower, Run
from finetune.runs.view import ACTIVE, View
from finetune.runs.workspace import Workspace
from finetune.service.queue import RunQueue
from finetune.ui.cache import Cache
from finetune.ui.data.mixture import Mixture, mix

LOOK_S = 0.9
"""What one visitor was shown does for another within this time, a little less than a tick of the page's clock."""

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
    counts: Counts = Counts()
    """Of the rows that are learnt from, those that are mixed in counted too."""
    mixed: int = 0
    """How many of the rows are mixed in."""

    def __hash__(self) -> int:
        """Gradio tells by the hash whether a state has changed."""
        return hash((self.settings.model_dump_json(), self.name, self.kind, self.counts, self.mixed))


@dataclass(frozen=True)
class Checked:
    """A data file, read and checked for one model and one length."""

    dataset: Dataset
    report: Report
    """On the data; what may be a secret in the rows that are mixed in is among its findings too."""
    method: Method
    """The method whose mask is shown."""
    counts: Counts = Counts()
    """Of the rows that are learnt from, and how many are kept for checking; what is mixed in is not counted."""
    note: str = ""
    """What the person should know about how the tokens were counted; empty if there is nothing to say."""
    mixture: Mixture = Mixture()
    """What is mixed in."""

    def chosen(self, settings: DataSettings, name: str) -> Chosen:
        """This data as a choice of the person's."""
        added, name = self.mixture.counts, name[:80]
        if not self.report.kept:
            return Chosen(settings, name)
        return Chosen(settings, name, self.dataset.kind, self.counts + added, added.rows)


@dataclass(frozen=True)
class Counting:
    """What decides how tokens are counted."""

    model: ModelSettings
    length: int
    """The longest row, in tokens."""


class Told(Protocol):
    """How a page is told of work that takes a while."""

    def __call__(self, share: float, what: str) -> None: ...


def counting(model: str | None, length: str | float | None, template: str | None = None) -> Counting:
    """What the Method tab says of counting; a value that makes no sense there is taken for the default."""
    try:
        chosen = ModelSettings(id=model or "starter", chat_template=template or "own")
    except ValidationError:
        chosen = ModelSettings()
    return Counting(chosen, whole(length))


def whole(length: str | float | None) -> int:
    """A length from the form as a whole number of tokens within reason."""
    try:
        return int(min(max(float(length or 0), 16), 131072)) if length else 1024
    except ValueError:
        return 1024


class Studio:
    """The engine as the page uses it."""

    def __init__(self, workspace: Workspace | None = None):
        self.workspace = workspace or Workspace()
        self.queue = RunQueue(self.workspace)
        self.pairs = Pairs(self.workspace)
        self.restart: Callable[[], None] | None = None
        """Ends this process so that the launcher starts another; None where there is no launcher."""
        self._followers: dict[str, Follower] = {}
        self._summary = threading.local()
        self._tables = Cache(2)
        self._datasets = Cache(3)
        self._checked = Cache(4)
        self._mixed = Cache(4)
        self._tokenizers = Cache(3)
        self._prompts = Cache(16)
        self.charts = Cache(8)
        """What was drawn of runs (``finetune.ui.train.tab``), for all who look at the same one."""
        self.looks = Cache(8, LOOK_S)
        """What the page shows now (``finetune.ui.page``), for all who look."""
        self._warming = threading.Lock()
        self._recipes = Cache(64)
        self._started = Cache(64, REPEAT_S)
        self._machine = ""
        self._is_warming = False

    @property
    def machine(self) -> str:
        """This machine in words; until the heavy libraries are there nobody can ask it."""
        if not self._machine and self.queue.is_warm:
            from finetune.machine.hardware import machine

            self._machine = machine().words
        return self._machine or "Getting ready…"

    def warm(self) -> None:
        """Load the heavy libraries in the background; only the first call does anything."""
        with self._warming:
            if not self._is_warming:
                self._is_warming = True
                self.queue.warm()

    def views(self) -> list[tuple[Run, View]]:
        """Every run with its view, newest first."""
        return getattr(self._summary, "views", self._views)()

    def _views(self) -> list[tuple[Run, View]]:
        return [(run, self._view(run)) for run in self.workspace.runs()]

    @contextmanager
    def at_one_moment(self):
        """Inside, this thread looks at all runs once at most, however often it asks."""
        self._summary.views = functools.cache(self._views)
        try:
            yield
        finally:
            del self._summary.views

    def view(self, run: Run) -> View:
        """What is known of ``run`` now; only what is new is read."""
        if hasattr(self._summary, "views"):
            for seen, view in self._summary.views():
                if seen.id == run.id:
                    return view
        return self._view(run)

    def _view(self, run: Run) -> View:
        return self._followers.setdefault(run.id, Follower(run)).poll()

    def current(self) -> tuple[Run, View] | None:
        """The run at work on this machine, by this process or another one."""
        return next(((run, view) for run, view in self.views() if view.state in ACTIVE), None)

    def tokenizer(self, model: ModelSettings):
        """The tokenizer of ``model``, kept for the next time."""
        from finetune.model import load_tokenizer

        return self._tokenizers.get(model, lambda: load_tokenizer(model, self.workspace))

    def counting_tokenizer(self, model: ModelSettings) -> tuple[object, str]:
        """The tokenizer to count and colour with, and a note where it is not the chosen model's.

        Looking at data never downloads a model.
        """
        if not self.has_model(model.id):
            note = f"{model.id} is not on this machine yet, so these are the starter's tokens; its own differ a little."
            return self.tokenizer(ModelSettings()), note
        try:
            return self.tokenizer(model), ""
        except ModelError as error:
            return self.tokenizer(ModelSettings()), f"{error.message} These are the starter's tokens."

    def template(self, model: ModelSettings) -> str:
        """The chat template that conversations are written with; empty if the model has none."""
        return template_of(self.counting_tokenizer(model)[0])

    def paths(self, settings: DataSettings) -> list[Path]:
        """The files that ``settings`` name, fetched if they are on the Hub."""
        return files(settings, partial(self.workspace.find, trusted=False), trusted=False)

    def table(self, settings: DataSettings, told: "Told | None" = None) -> Table:
        """The rows of the files that ``settings`` name, as they were written; a bad file raises ``DataError``."""
        paths = self.paths(settings)
        return self._table(paths, stamps(paths), settings, told)

    def checked(self, settings: DataSettings, by: "Counting", told: "Told | None" = None) -> Checked:
        """The data that ``settings`` name, read and checked; a bad file raises ``DataError``.

        What cannot be mixed in raises nothing: it is the ``problem`` of the mixture.
        """
        paths, alone = self.paths(settings), main_alone(settings)
        state = stamps(paths)
        read = (state, alone.model_dump_json())
        dataset = self._datasets.get(read, lambda: fixed(self._table(paths, state, alone, told), alone))
        self.queue.known.remember(state, alone, dataset)
        key = (state, self._basis(alone, by))
        checked = self._checked.get(key, lambda: self._check(dataset, alone, by, told))
        if not settings.mix and not settings.replay:
            return checked
        try:
            key = (*key, self._basis(settings, by))
            return self._mixed.get(key, lambda: self._mix(checked, settings, by))
        except FinetuneError as error:
            return replace(checked, mixture=Mixture(problem=error))

    def tried(self, settings: DataSettings, by: "Counting", rows: int) -> Checked:
        """The first ``rows`` rows as they are in the file, read as ``settings`` say and not remembered."""
        table = self.table(settings)
        first = Table(table.title, table.columns)
        for values, line in zip(table.rows[:rows], table.lines[:rows]):
            first.add(values, line)
        return self._check(fixed(first, settings.changed(fixes=())), settings, by)

    def _table(self, paths: list[Path], state: Stamps, settings: DataSettings, told: "Told | None" = None) -> Table:
        """The rows of ``paths``, which were in this ``state`` when they were looked for."""
        key = (state, settings.encoding, settings.whole_text)
        progress = told and partial(told, what="Reading")
        return self._tables.get(key, lambda: read_tables(paths, settings, progress, PREFILTER))

    def _basis(self, settings: DataSettings, by: "Counting") -> tuple:
        """All that findings follow from: the state of every file they are found in, and how these are read."""
        paths = files_read(settings, partial(self.workspace.find, trusted=False), trusted=False)
        return stamps(paths), settings.model_dump_json(), by

    def _check(self, dataset: Dataset, settings: DataSettings, by: "Counting", told: "Told | None" = None) -> Checked:
        method = method_for(dataset.kind)
        tokenizer, note = self.counting_tokenizer(by.model)
        held_out = self.held_out(settings)
        report = check(
            dataset,
            lambda example: method.sequences(example, tokenizer, by.length),
            length=by.length,
            held_out=held_out,
            progress=told and partial(told, what="Checking"),
            advise=method.advice,
        )
        counts = _counts(report, dataset, held_out, settings)
        return Checked(dataset, report, method, counts, note)

    def _mix(self, checked: Checked, settings: DataSettings, by: "Counting") -> Checked:
        method, (tokenizer, _) = checked.method, self.counting_tokenizer(by.model)
        find = partial(self.workspace.find, trusted=False)
        others = read_others(
            settings, checked.dataset, find, trusted=False, read=partial(self.queue.known.read, prefilter=PREFILTER)
        )
        count = partial(method.sequences, tokenizer=tokenizer, length=by.length)
        mixture = mix(checked.dataset, others, self.held_out(settings), settings, count)
        findings = most_severe_first([*checked.report.findings, *mixture.findings])
        return replace(checked, report=replace(checked.report, findings=findings), mixture=mixture)

    def held_out(self, settings: DataSettings) -> Dataset | None:
        """The rows in the file kept for checking, if there is one."""
        return read_held_out(settings, partial(self.workspace.find, trusted=False), trusted=False)

    def held_out_words(self, settings: DataSettings) -> str:
        """Which rows are kept for checking, as a sentence."""
        try:
            path = None if is_hub(settings.path) else held_out_path(self.paths(settings)[0], settings)
        except FinetuneError as error:
            return error.message
        if path:
            return f"{path.name} beside it is kept for checking and never learnt from."
        if not settings.held_out_share:
            return "No rows are kept for checking."
        return f"{format.percent(settings.held_out_share)} of the rows are kept for checking and never learnt from."

    def columns(self, settings: DataSettings) -> tuple[str, ...]:
        """The columns of the file that ``settings`` name; none if it is no table."""
        try:
            return self.table(settings).columns
        except FinetuneError:
            return ()

    def add_text(self, text: str, suffix: str) -> DataSettings:
        """Keep pasted text in the workspace as a file ending in ``suffix``; the settings that read it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"pasted{suffix}"
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            return DataSettings(path=self.workspace.keep(path, path.name))

    def add_upload(self, source: Path, name: str) -> DataSettings:
        """Keep a copy of a file that a person sent, under the ``name`` they know; the settings that read it."""
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(
                f"Files ending in {suffix or 'nothing'} cannot be read.", f"Use one of {', '.join(SUFFIXES)}."
            )
        return DataSettings(path=self.workspace.keep(source, name))

    def start(self, recipe: Recipe) -> Run:
        """Queue a run of ``recipe``; a second click on the same button gets the run of the first."""
        return self._started.get(recipe.to_yaml(full=True), lambda: self.queue.submit(recipe, trusted=False))

    def recipe(self, run: Run) -> Recipe:
        """What ``run`` was asked for; it never changes."""
        return self._recipes.get(run.id, lambda: run.recipe)

    def forget(self, run: Run) -> None:
        """Let go of what is remembered of ``run``, which was deleted."""
        self._followers.pop(run.id, None)
        self.pairs.forget(run.id)
        self._started.clear()

    def held_out_prompts(self, run: Run, most: int = 6) -> list[str]:
        """A few questions from the rows that ``run`` never learnt from; none if they cannot be read."""
        return self._prompts.get((run.id, most), lambda: self._held_out_prompts(run, most))

    def _held_out_prompts(self, run: Run, most: int) -> list[str]:
        recipe = run.recipe
        try:
            path, *also = files(recipe.data, self.workspace.find)
            *_, held_out = read_split(path, recipe.data, recipe.training.seed, also)
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


def _counts(report: Report, dataset: Dataset, held_out: Dataset | None, settings: DataSettings) -> Counts:
    """Of the rows in ``dataset`` that are learnt from, those that will be split off for checking left out."""
    if held_out is not None:
        return replace(report.counts, held_out=len(held_out.examples))
    count, kept = len(dataset.examples), held_out_count(len(dataset.examples), settings)
    return replace(report.counts.times(1 - kept / count), held_out=kept)


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
