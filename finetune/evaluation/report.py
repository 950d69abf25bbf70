"""The report of a run as facts: everything that its page says, as values and sentences that a program can read too.

``report.html`` and ``report.json`` in the run directory are made from it. A run without an evaluation has a report as
well, which says what is missing.
"""

import json
import time
from pathlib import Path

from finetune.data.mix import gather
from finetune.errors import FinetuneError
from finetune.evaluation import sheet
from finetune.evaluation.cost import Cost, cost
from finetune.evaluation.difference import before_and_after, opinion
from finetune.evaluation.examples import Examples, examples, shortened
from finetune.evaluation.limits import license_words, limits
from finetune.evaluation.questions import asked_of
from finetune.evaluation.rounds import result
from finetune.evaluation.scores import Row, Scores
from finetune.evaluation.shared_recipe import shared
from finetune.evaluation.tally import beside, company
from finetune.evaluation.tally import verdict as verdict_of_votes
from finetune.evaluation.verdict import FEW_KNOWN, verdict
from finetune.format import percent
from finetune.methods import METHODS
from finetune.models.licenses import license_of_base
from finetune.models.usage import usage
from finetune.recipe import Recipe
from finetune.runs.diagnosis import diagnose
from finetune.runs.run import Run
from finetune.runs.verdict import number
from finetune.runs.view import View
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

LONGEST_TEXT = 320
"""Characters of the row that shows what was taught."""
LARGEST_BYTES = 2**24
"""A larger data file (16 MB) is not read for one example."""


class Taught(Settings):
    """What the model was shown."""

    question: str = ""
    answer: str = ""


class Data(Settings):
    """The data in numbers."""

    files: tuple[str, ...]
    train_rows: int
    held_out_rows: int
    trained_tokens: int
    """Tokens per epoch that carry loss."""
    notes: tuple[str, ...]
    """What was said of it when it was read: rows left out, dropped, truncated."""


class Trained(Settings):
    """How it was trained."""

    base: str
    revision: str
    plain: str
    """Its method, in a sentence for everyone."""
    method: str
    adapter: str
    parameters: int
    trainable: int
    steps: int
    epochs: float
    device: str


class Report(Settings):
    """Everything that the report of a run says."""

    run: str
    name: str
    state: str
    at: float
    """When it was made, in Unix seconds."""
    ended_at: float | None
    advice: str
    """Use it, use it with care, or not; one sentence."""
    verdict: str
    """Is it better, at what, and what did it cost?"""
    taught: Taught
    data: Data
    trained: Trained
    scores: Scores | None
    before_and_after: str
    kept: str
    """What it forgot, in a sentence; empty where that was not measured."""
    fitting: tuple[str, ...]
    """What speaks for or against overfitting and memorization."""
    remarks: tuple[str, ...]
    """What else a person should know of the evaluation."""
    opinions: tuple[str, ...]
    """What people said in a blind test, and what a judge said."""
    examples: Examples
    cost: Cost
    limits: tuple[str, ...]
    missing: tuple[str, ...]
    """What the report cannot say, and how to get it."""
    usage: str
    """Python source that loads the model."""
    recipe: str
    """YAML."""
    versions: dict[str, str]
    fingerprints: dict[str, str]


def report(run: Run, workspace: Workspace, price: float | None = None) -> Report:
    """The report of ``run`` now; ``price`` is what an hour of its machine costs, in euros."""
    recipe, view, scores = run.as_trained, run.view(), sheet.read(run)
    rows = sheet.rows(run) if scores else []
    return Report(
        run=run.id,
        name=view.name or recipe.name,
        state=view.state,
        at=time.time(),
        ended_at=view.ended_at,
        **(_found(scores, view, rows) if scores else _not_evaluated(view)),
        scores=scores,
        opinions=_opinions(run, scores),
        taught=_taught(recipe, workspace, rows),
        data=_data(recipe, view),
        trained=_trained(recipe, view),
        cost=cost(view, price),
        limits=(*limits(recipe, view, scores), license_words(recipe, license_of_base(run))),
        missing=_missing(run, view, scores),
        usage=usage(run) if view.has_model else "",
        recipe=shared(recipe).to_yaml(),
        versions=dict(sorted(view.versions.items())),
        fingerprints=_fingerprints(view),
    )


def _found(scores: Scores, view: View, rows: list[Row]) -> dict:
    """What the evaluation says, as fields of a report."""
    found, main = verdict(scores), scores.asked.deciding
    kept = scores.kept
    share = f" It kept {percent(kept.share.value)} of what it knew." if kept and kept.known >= FEW_KNOWN else ""
    return {
        "advice": found.advice,
        "verdict": f"{found.headline}{share}",
        "before_and_after": before_and_after(main),
        "kept": found.kept,
        "fitting": tuple(filter(None, (found.fitting, _curve(view), _measured(view)))),
        "remarks": found.remarks,
        "examples": examples(rows, main),
    }


def _not_evaluated(view: View) -> dict:
    """The same fields where there is nothing to fill them from."""
    words = "The model was trained, but base and tuned were not evaluated: whether it is better is not known."
    if METHODS[view.method].makes_scorer:
        words = "This model rates answers and writes none, so its answers cannot be compared with those of its base."
    if not view.has_model:
        words = "There is no tuned model yet, so there is nothing to compare."
    return {
        "advice": "",
        "verdict": words,
        "before_and_after": "",
        "kept": "",
        "fitting": tuple(filter(None, (_curve(view), _measured(view)))),
        "remarks": (),
        "examples": Examples(shown=(), note=""),
    }


def facts(run: Run, workspace: Workspace, price: float | None = None) -> dict:
    """The report of ``run`` as JSON values."""
    return report(run, workspace, price).model_dump(mode="json")


def to_json(found: Report) -> str:
    """A report as JSON text."""
    return json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1)


def _taught(recipe: Recipe, workspace: Workspace, rows: list[Row]) -> Taught:
    """One row of the data: the first that was evaluated, else the first that it was trained on."""
    first = next((row for row in rows if row.part == "asked" and row.question and row.expected), None)
    if first:
        return Taught(question=shortened(first.question, LONGEST_TEXT), answer=shortened(first.expected, LONGEST_TEXT))
    try:
        if recipe.data.path.startswith("hf://") or workspace.find(recipe.data.path).stat().st_size > LARGEST_BYTES:
            return Taught()
        gathered = gather(recipe.data, workspace.find, recipe.training.seed)
    except (FinetuneError, OSError):
        return Taught()
    example = next(iter(gathered.train), {})
    if "text" in example:
        return Taught(answer=shortened(example["text"], LONGEST_TEXT))
    asked = asked_of(example) if example else None
    if asked is None:
        return Taught()
    return Taught(question=shortened(asked.question, LONGEST_TEXT), answer=shortened(asked.expected, LONGEST_TEXT))


def _data(recipe: Recipe, view: View) -> Data:
    return Data(
        files=tuple(Path(path).name for path in (recipe.data.path, *recipe.data.also)),
        train_rows=view.train_rows,
        held_out_rows=view.held_out_rows,
        trained_tokens=view.trained_tokens,
        notes=tuple(note.message for note in view.notes if note.level == "warning"),
    )


def _trained(recipe: Recipe, view: View) -> Trained:
    base = "the starter model of Finetune Studio" if recipe.model.id == "starter" else recipe.model.id
    return Trained(
        base=base,
        revision=view.commit or recipe.model.revision or "",
        plain=recipe.method.plain,
        method=recipe.method.engineer,
        adapter=recipe.adapter.engineer,
        parameters=view.parameters,
        trainable=view.trainable,
        steps=view.step,
        epochs=view.epoch,
        device=view.device,
    )


def _opinions(run: Run, scores: Scores | None) -> tuple[str, ...]:
    """What the voters of a blind test said, and what a judge said."""
    votes = result(run)
    said = (f"Blind test. {verdict_of_votes(votes)}", beside(votes), company(votes)) if votes and votes.voters else ()
    judged = opinion(scores.judged) if scores and scores.judged else ""
    return tuple(filter(None, (" ".join(filter(None, said)), judged)))


def _curve(view: View) -> str:
    """The diagnosis of its loss curve; empty where that says nothing."""
    found = diagnose(view)
    return f"{found.title}: {found.words}" if METHODS[view.method].loss_shows_learning and view.steps else ""


def _measured(view: View) -> str:
    """What the method itself measured last on held-out rows, by the measure that it is judged by first."""
    if not view.evaluations:
        return ""
    method, metrics = METHODS[view.method], view.evaluations[-1].metrics
    measure = next((each for each in method.measures if each.name in metrics and each.sentence), None)
    if measure is None:
        return ""
    figure = metrics[measure.name]
    return measure.sentence.format(last=percent(figure) if measure.unit == "share" else number(figure))


def _missing(run: Run, view: View, scores: Scores | None) -> tuple[str, ...]:
    found = []
    if scores is None and not METHODS[view.method].makes_scorer:
        found.append(
            "Base and tuned were not evaluated. Do so on the Compare tab, in the view Scores, or with "
            f"python -m finetune evaluate {run.number}."
            if view.has_model
            else f"Run {run.number} has no tuned model yet. Wait for its end, then make the report again."
        )
    if scores is None and not view.held_out_rows:
        found.append(
            "No rows were held out, so there is nothing to evaluate on. Hold out rows, or give a file of them."
        )
    return tuple(found)


def _fingerprints(view: View) -> dict[str, str]:
    """Hashes of what the run was made from."""
    taken = view.fingerprint
    named = {"rows": taken.rows, "base": taken.base, "start": taken.start} if taken else {}
    return {name: digest for name, digest in named.items() if digest}
