"""evaluate(run, …): base and tuned on the same rows → scores and rows. In this thread, until it has ended.

It loads its own copy of both models, so whoever calls it holds the lease on the device.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from finetune.data.mix import Gathered
from finetune.errors import DataError, RunError
from finetune.evaluation.general import MOST, general_questions, general_rows
from finetune.evaluation.judging import judge
from finetune.evaluation.memorized import memorized
from finetune.evaluation.metrics import METRICS, Asked, Metric
from finetune.evaluation.part import part_of
from finetune.evaluation.questions import asked_of, own_rows, rows_of, sampled
from finetune.evaluation.scores import Answered, Bounds, Kept, Memorized, Part, PartName, Row, Scores
from finetune.evaluation.sheet import Request, Sheet, key_of
from finetune.evaluation.statistics import wilson
from finetune.evaluation.subject import Reply, Subject
from finetune.evaluation.words import PARTS
from finetune.format import counted
from finetune.machine import hardware
from finetune.methods.rollouts import answered
from finetune.runs.job import Stopped
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training.helpers import load_helpers

TRAINED_ROWS = 60
"""Training rows that are asked, for overfitting and memorization."""
CHUNK = 64
"""Rows between two looks at the clock."""

Report = Callable[[str, float], None]
"""Takes what is done now, as a noun phrase, and its share, 0 to 1."""


@dataclass
class Evaluation:
    """An evaluation at work."""

    run: Run
    workspace: Workspace
    request: Request
    report: Report = lambda what, share: None
    stopped: Callable[[], bool] = lambda: False
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def scores(self) -> Scores:
        """Everything that is found; ``RunError`` or ``DataError`` if nothing can be, ``Stopped`` once ``stopped``."""
        recipe = self.run.recipe
        if recipe.method.makes_scorer:
            raise RunError(
                f"Run {self.run.id} is a reward model: it writes no answers that could be scored.",
                "Its measure is the reward accuracy on held-out pairs, on the Train tab.",
            )
        self.report("loading base and tuned", 0.0)
        gathered = own_rows(recipe, self.workspace)
        data, examples = self._examples(gathered)
        self.subject = Subject(self.run, self.workspace)
        self.helpers = load_helpers(recipe, self.workspace) if recipe.method.generates else {}
        try:
            found = self._found(gathered, data, examples)
        finally:
            del self.subject
            hardware.release_memory()
        return self._judged(found) if self.request.judge else found

    def _found(self, gathered: Gathered, data: str, examples: list[dict]) -> Scores:
        seed = self.run.recipe.training.seed
        asked = self._part("asked", data, sampled(examples, self.request.rows, seed), len(examples))
        if asked is None:
            raise DataError(
                f"None of the rows of {data} can be asked.",
                "They are longer than the model reads, call tools, or were rated as bad.",
            )
        general = self._general(gathered, seed)
        trained, repeated = self._trained(gathered, seed)
        return Scores(
            at=time.time(),
            run=self.run.id,
            asked=asked,
            general=general,
            kept=kept_of(self.rows) if general else None,
            trained=trained,
            memorized=repeated,
            seconds=time.monotonic() - self.began,
            notes=tuple(self.notes),
        )

    def _judged(self, found: Scores) -> Scores:
        """``found`` with what the judge says, which is loaded once base and tuned are out of memory."""
        sheet = Sheet(self.run, key_of(self.request.data))
        opinion = judge(sheet, self.rows, self.request.judge, self.workspace, self.report, self.stopped)
        if self.stopped():
            raise Stopped
        return found.model_copy(update={"judged": opinion, "seconds": time.monotonic() - self.began})

    def _examples(self, gathered: Gathered) -> tuple[str, list[dict]]:
        """The rows that the evaluation is about, and where they are from."""
        if self.request.data:
            dataset = rows_of(self.request.data, self.workspace, self.request.trusted)
            return Path(self.request.data).name, list(dataset.examples)
        if not gathered.held_out:
            raise DataError(
                f"Run {self.run.id} has no held-out rows.",
                "Evaluate it on a file of rows that it was not trained on.",
            )
        return Path(self.run.recipe.data.path).name, list(gathered.held_out)

    def _general(self, gathered: Gathered, seed: int) -> Part | None:
        if gathered.dataset.kind == "text" and not self.subject.tokenizer.chat_template:
            return None
        recipe = self.run.recipe
        data, rows = general_rows(recipe, self.workspace, self.request.general, self.request.trusted)
        asked = general_questions(recipe, sampled(rows, MOST, seed), gathered.train)
        return self._measured("general", data, asked, len(rows))

    def _trained(self, gathered: Gathered, seed: int) -> tuple[Part | None, Memorized | None]:
        rows = sampled(gathered.train, TRAINED_ROWS, seed, gathered.own)  # what was mixed in is another task
        asked = [each for each in map(asked_of, rows) if each]
        data = Path(self.run.recipe.data.path).name
        part = self._measured("trained", data, asked, gathered.own)
        if part is None or gathered.dataset.kind != "chat":
            return part, None
        trained, fresh = ([row for row in self.rows if row.part == name] for name in ("trained", "asked"))
        return part, memorized(self.subject, trained, fresh, gathered.train)

    def _part(self, name: PartName, data: str, examples: Sequence[dict], of: int) -> Part | None:
        found = [asked_of(example) for example in examples]
        if lost := found.count(None):
            self.notes.append(f"{counted(lost, 'row')} cannot be asked: they call tools, or were rated as bad.")
        return self._measured(name, data, [each for each in found if each], of)

    def _measured(self, name: PartName, data: str, asked: list[Asked], of: int) -> Part | None:
        """The part with what both models gave for ``asked``; None if nothing can be measured on them."""
        most = self.subject.longest_answer(asked)
        readable = self.subject.readable(asked, most)
        if lost := len(asked) - len(readable):
            self.notes.append(f"{counted(lost, 'row')} of the {PARTS[name]} are longer than the model reads.")
        replies: list[tuple[Reply, Reply]] = []
        for start in range(0, len(readable), CHUNK):
            self.report(PARTS[name], start / len(readable))
            if self.stopped():
                raise Stopped
            if start and self._is_over():
                self.notes.append(f"Time was over after {start:,} of {len(readable):,} {PARTS[name]}.")
                break
            chunk = readable[start : start + CHUNK]
            both = self.subject.replies(chunk, most, self.stopped)
            replies += both if name == "general" else self._rewarded(chunk, both)
        if self.stopped():
            raise Stopped
        readable = readable[: len(replies)]
        given = [(base.given, tuned.given) for base, tuned in replies]
        part = part_of(name, data, readable, given, of, self.run)
        taken = [METRICS[score.metric] for score in part.scores] if part else []
        self.rows += [_row(name, n, each, both, taken) for n, (each, both) in enumerate(zip(readable, replies))]
        return part

    def _is_over(self) -> bool:
        limit = self.request.minutes
        return limit is not None and time.monotonic() - self.began > 60 * limit

    def _rewarded(self, asked: list[Asked], replies: list[tuple[Reply, Reply]]) -> list[tuple[Reply, Reply]]:
        """``replies`` with what each earns from the rewards of the recipe, if it has any."""
        method = self.run.recipe.method
        if not method.generates or not all(each.messages for each in asked):
            return replies
        sides = []
        for side in zip(*replies):
            told = [answered(each.example, reply.written, reply.given.tokens) for each, reply in zip(asked, side)]
            totals = [0.0] * len(told)
            for reward in method.rewards:
                values = reward.scores(method.helpers_of(reward.name, self.helpers))(told)
                totals = [total + reward.weight * (value or 0.0) for total, value in zip(totals, values)]
            sides.append([_earning(reply, total) for reply, total in zip(side, totals)])
        return list(zip(*sides))


def kept_of(rows: Sequence[Row]) -> Kept | None:
    """How many of the general questions that the base answers right the tuned model does, too; None without any."""
    right = [row for row in rows if row.part == "general" and row.base.values.get("contains") == 1]
    if not right:
        return None
    still = sum(row.tuned.values.get("contains") == 1 for row in right)
    share = wilson(still, len(right))
    bounds = Bounds(value=share.value, low=share.low, high=share.high)
    return Kept(known=len(right), still=still, share=bounds)


def _earning(reply: Reply, total: float) -> Reply:
    return Reply(reply.written, replace(reply.given, reward=total))


def _row(part: PartName, n: int, asked: Asked, both: tuple[Reply, Reply], metrics: list[Metric]) -> Row:
    base, tuned = (_answered(asked, reply, metrics) for reply in both)
    expected = asked.expected or (asked.example.get("text", "") if not asked.messages else "")
    return Row(part=part, row=n, question=asked.question, expected=expected, base=base, tuned=tuned)


def _answered(asked: Asked, reply: Reply, metrics: list[Metric]) -> Answered:
    values = {metric.name: metric.value(asked, reply.given) for metric in metrics}
    return Answered(
        text=reply.written,
        tokens=reply.given.tokens,
        is_truncated=reply.given.is_truncated,
        values={name: value for name, value in values.items() if value is not None},
    )


def evaluate(
    run: Run,
    workspace: Workspace,
    request: Request = Request(),
    report: Report = lambda what, share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Scores, list[Row]]:
    """Base and tuned of ``run`` on the rows of ``request``: what was found, and each row with both answers."""
    evaluation = Evaluation(run, workspace, request, report, stopped)
    return evaluation.scores(), evaluation.rows
