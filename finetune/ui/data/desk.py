"""The data desk: data read, checked and counted for the page. It trains nothing and knows no run but by its recipe.

Its caches are copies of what is on the disk: losing them costs time and nothing else.
"""

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from finetune import format
from finetune.data.checks.check import most_severe_first
from finetune.data.counts import Counts
from finetune.data.dataset import Dataset
from finetune.data.hub import files, is_hub
from finetune.data.known import KnownKinds, Stamps, stamps
from finetune.data.loading import fixed, held_out_path, read_split
from finetune.data.mix import files_read, main_alone, read_held_out, read_others
from finetune.data.pieces import cutting
from finetune.data.readers import SUFFIXES
from finetune.data.report import Report, check
from finetune.data.settings import DataSettings
from finetune.data.sources import read_tables
from finetune.data.split import held_out_of
from finetune.data.summary import PREFILTER
from finetune.data.table import Table
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError, FinetuneError
from finetune.methods import Method, method_for
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.ui.cache import Cache
from finetune.ui.data.counting import Counting
from finetune.ui.data.mixture import Mixture, mix
from finetune.ui.data.prompts import Prompt, expected_of, first_prompt, prompts_of
from finetune.ui.data.tokenizers import Tokenizers

LONGEST_PROMPT = 300
"""Characters of a prompt that fits on a button."""
MOST_PROMPTS = 200
"""Held-out rows of a run that are asked, at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """The data a person has chosen: how it is read, its name, and what was found in it."""

    settings: DataSettings
    name: str
    kind: str = ""
    """The kind of its examples; empty if there is nothing to train on."""
    counts: Counts = Counts()
    """Of the training rows, mixed-in rows included."""
    mixed: int = 0
    """How many of the training rows are mixed in."""

    def __hash__(self) -> int:
        """Gradio compares hashes to find out whether a state has changed."""
        return hash((self.settings.model_dump_json(), self.name, self.kind, self.counts, self.mixed))


@dataclass(frozen=True)
class Checked:
    """A data file, read and checked for one model and one length."""

    dataset: Dataset
    report: Report
    """On the data; secrets in mixed-in rows are among its findings too."""
    method: Method
    """The method whose loss mask is shown."""
    counts: Counts = Counts()
    """Of the training rows, and how many are held out; mixed-in rows are not counted."""
    note: str = ""
    """What the person should know about how the tokens were counted; empty if there is nothing to know."""
    mixture: Mixture = Mixture()
    """The rows that are mixed in."""
    sequences: Callable[..., tuple[TokenSequence, ...]] | None = None
    """``sequences(example, tokenizer, length)`` of an example; by default the method's."""

    def chosen(self, settings: DataSettings, name: str) -> Chosen:
        """This data as a choice of the person's."""
        added, name = self.mixture.counts, name[:80]
        if not self.report.kept:
            return Chosen(settings, name)
        return Chosen(settings, name, self.dataset.kind, self.counts + added, added.rows)


class OnProgress(Protocol):
    """Called while data is read and checked, with the share that is done (0 to 1) and what is being done."""

    def __call__(self, share: float, what: str) -> None: ...


class DataDesk:
    """The data of one workspace, as the page uses it."""

    def __init__(self, workspace: Workspace, known: KnownKinds, everything: Workspace | None = None):
        self.workspace = workspace
        self._everything = everything or workspace
        """Where the data of a run is found, whoever of those who may see the run asks."""
        self.known = known
        """The kinds of data read last, shared with the queue, which then need not read the same files again."""
        self.tokenizers = Tokenizers(workspace)
        self._tables = Cache(2)
        self._datasets = Cache(3)
        self._checked = Cache(4)
        self._mixed = Cache(4)
        self._splits = Cache(1)
        self._held_out = Cache(16)

    def paths(self, settings: DataSettings) -> list[Path]:
        """The files that ``settings`` name, downloaded if they are on the Hub."""
        return files(settings, self._find, trusted=False)

    def table(self, settings: DataSettings, on_progress: OnProgress | None = None) -> Table:
        """The rows of the files that ``settings`` name, as they were written; a bad file raises ``DataError``."""
        paths = self.paths(settings)
        return self._table(paths, stamps(paths), settings, on_progress)

    def checked(self, settings: DataSettings, by: Counting, on_progress: OnProgress | None = None) -> Checked:
        """The data that ``settings`` name, read and checked; a bad file raises ``DataError``.

        What cannot be mixed in raises nothing: it is the ``problem`` of the mixture.
        """
        paths, alone = self.paths(settings), main_alone(settings)
        state = stamps(paths)
        read = (state, alone.model_dump_json())
        dataset = self._datasets.get(read, lambda: fixed(self._table(paths, state, alone, on_progress), alone))
        self.known.remember(state, alone, dataset)
        key = (state, self._basis(alone, by))
        checked = self._checked.get(key, lambda: self._check(dataset, alone, by, on_progress))
        if not settings.mix and not settings.replay:
            return checked
        try:
            key = (*key, self._basis(settings, by))
            return self._mixed.get(key, lambda: self._mix(checked, settings, by))
        except FinetuneError as error:
            return replace(checked, mixture=Mixture(problem=error))

    def tried(self, settings: DataSettings, by: Counting, rows: int) -> Checked:
        """The first ``rows`` rows of the file, without fixes, read with ``settings``; nothing of it is cached."""
        table = self.table(settings)
        first = Table(table.title, table.columns)
        for values, line in zip(table.rows[:rows], table.lines[:rows]):
            first.add(values, line)
        return self._check(fixed(first, settings.changed(fixes=())), settings, by)

    def held_out(self, settings: DataSettings) -> Dataset | None:
        """The rows of the held-out file, if there is one."""
        return read_held_out(settings, self._find, trusted=False)

    def split(self, settings: DataSettings, seed: int) -> tuple[Sequence[dict], Sequence[dict]]:
        """The training and the held-out examples that ``settings`` name, without mixed-in rows."""
        path, *also = self.paths(settings)
        key = (stamps([path, *also]), settings.model_dump_json(), seed)
        return self._splits.get(key, lambda: read_split(path, main_alone(settings), seed, also)[1:])

    def held_out_words(self, settings: DataSettings, split: str = "") -> str:
        """Which rows are held out, as a sentence; ``split`` is the column of the file that says so, if there is one."""
        try:
            path = None if is_hub(settings.path) else held_out_path(self.paths(settings)[0], settings, self._find)
        except FinetuneError as error:
            return error.message
        if path:
            return f"Held-out rows, for evaluation only: {path.name}."
        if split:
            return f'Held-out rows, for evaluation only: those that the column "{split}" names.'
        if not settings.held_out_share:
            return "Held-out rows: none."
        return f"Held-out rows, for evaluation only: {format.percent(settings.held_out_share)} of the rows."

    def held_out_prompts(self, run: Run, most: int = 6) -> list[str]:
        """A few prompts from the held-out rows of ``run``; none if they cannot be read."""
        texts = (first_prompt(example) for example in self._of(run))
        return list(dict.fromkeys(text for text in texts if text and len(text) <= LONGEST_PROMPT))[:most]

    def prompts(self, run: Run) -> list[Prompt]:
        """The held-out rows of ``run`` as prompts, at most ``MOST_PROMPTS``; none if they cannot be read."""
        return prompts_of(self._of(run))

    def expected(self, run: Run, question: str) -> str:
        """The answer that the held-out rows of ``run`` expect to ``question``; empty if none of them asks it first."""
        return expected_of(self._of(run)).get(question, "")

    def _of(self, run: Run) -> Sequence[dict]:
        """The first held-out examples of ``run``."""
        return self._held_out.get(run.id, lambda: list(self._held_out_examples(run)))

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
        """Keep a copy of an uploaded file under the ``name`` a person knows; the settings that read it."""
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(
                f"Files ending in {suffix or 'nothing'} cannot be read.", f"Use one of {', '.join(SUFFIXES)}."
            )
        return DataSettings(path=self.workspace.keep(source, name))

    def _find(self, path: str) -> Path:
        return self.workspace.find(path, trusted=False)

    def _table(
        self, paths: list[Path], state: Stamps, settings: DataSettings, on_progress: OnProgress | None = None
    ) -> Table:
        """The rows of ``paths``, which were in this ``state`` before they are read."""
        key = (state, settings.encoding, settings.sheet, settings.whole_text)
        progress = on_progress and partial(on_progress, what="Reading")
        return self._tables.get(key, lambda: read_tables(paths, settings, progress, PREFILTER))

    def _basis(self, settings: DataSettings, by: Counting) -> tuple:
        """Everything findings depend on: the state of every file they are found in, and how these are read."""
        return stamps(files_read(settings, self._find, trusted=False)), settings.model_dump_json(), by

    def _check(
        self, dataset: Dataset, settings: DataSettings, by: Counting, on_progress: OnProgress | None = None
    ) -> Checked:
        method = method_for(dataset.kind)
        tokenizer, note = self.tokenizers.for_counting(by.model)
        held_out, made = self.held_out(settings), cutting(method.sequences, settings)
        report = check(
            dataset,
            partial(made, tokenizer=tokenizer, length=by.length),
            length=by.length,
            held_out=held_out,
            progress=on_progress and partial(on_progress, what="Checking"),
            advise=method.advice,
        )
        counts = _counts(report, dataset, held_out, settings)
        return Checked(dataset, report, method, counts, note, sequences=made)

    def _mix(self, checked: Checked, settings: DataSettings, by: Counting) -> Checked:
        method, (tokenizer, _) = checked.method, self.tokenizers.for_counting(by.model)
        read = partial(self.known.read, prefilter=PREFILTER)
        others = read_others(settings, checked.dataset, self._find, trusted=False, read=read)
        count = partial(cutting(method.sequences, settings), tokenizer=tokenizer, length=by.length)
        mixture = mix(checked.dataset, others, self.held_out(settings), settings, count)
        findings = most_severe_first([*checked.report.findings, *mixture.findings])
        return replace(checked, report=replace(checked.report, findings=findings), mixture=mixture)

    def _held_out_examples(self, run: Run) -> Sequence[dict]:
        recipe = run.recipe
        try:
            path, *also = files(recipe.data, self._everything.find)
            return read_split(path, recipe.data, recipe.training.seed, also)[2][:MOST_PROMPTS]
        except FinetuneError as error:
            log.info("No prompts for %s: %s", run.id, error.message)
            return []


def _counts(report: Report, dataset: Dataset, held_out: Dataset | None, settings: DataSettings) -> Counts:
    """Of the rows in ``dataset``, those to train on; rows that will be held out are counted as such."""
    if held_out is not None:
        return replace(report.counts, held_out=len(held_out.examples))
    count, kept = len(dataset.examples), held_out_of(dataset, settings)
    return replace(report.counts.times(1 - kept / count), held_out=kept)
