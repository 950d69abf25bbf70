"""Standard benchmarks on base and tuned, by EleutherAI's lm-evaluation-harness where it is installed.

It is an extra and no requirement of this program. Both models answer the same documents of a task, so what they get
can be compared in pairs: intervals and tests are those of all other scores.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError, ModelError, RunError, first_sentence
from finetune.evaluation.scores import Bounds, Score
from finetune.evaluation.statistics import holm, mean_interval, paired_test
from finetune.inference.chat import Pair
from finetune.inference.decoding import Variant
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

PIN = "lm_eval==0.4.13"
MOST = 100
"""Documents of each task, the first ones."""
AT_ONCE = 8
"""Texts that are read side by side."""
SHORT = ("arc_easy", "boolq", "copa", "openbookqa", "piqa", "sciq", "winogrande")
"""Tasks with short texts, which a small model answers in minutes."""
Report = Callable[[str, float], None]
Values = dict[tuple[str, str], list[float]]
"""By task and metric: the value of each document."""


class Benchmark(Settings):
    """Base and tuned on one task."""

    task: str
    score: Score
    """``metric`` is the task's own."""


class Benchmarks(Settings):
    """What the harness found."""

    run: str
    results: tuple[Benchmark, ...]
    left_out: tuple[str, ...] = ()
    """Tasks whose metrics are of the whole task and not of a document."""


def require_harness() -> None:
    """``FinetuneError`` with what to install if the harness is not there."""
    if find_spec("lm_eval") is None:
        raise FinetuneError(
            "Benchmarks need the lm-evaluation-harness, which is not installed.", f"Install it: pip install {PIN}"
        )


def benchmark(
    run: Run,
    workspace: Workspace,
    tasks: Sequence[str] = (),
    folder: Path | None = None,
    most: int = MOST,
    chat: bool = False,
    report: Report = lambda what, share: None,
) -> Benchmarks:
    """Base and tuned of ``run`` on ``tasks``, at most ``most`` documents of each.

    ``folder`` has tasks of one's own as YAML; without ``tasks`` all of them are taken. ``chat`` puts the chat template
    around each document. ``FinetuneError`` says what is missing.
    """
    require_harness()
    manager, names = _tasks(tasks, folder)
    report("loading base and tuned", 0.0)
    pair = Pair.load(run, workspace)
    base, tuned = getattr(pair.decoding, "sequential", pair.decoding).variants
    if base.first_cache or tuned.first_cache:
        raise RunError(
            f"Run {run.id} keeps what it learned in virtual tokens, which the harness would not read.",
            "Use the scores on held-out rows.",
        )
    found = []
    for n, (name, variant) in enumerate((("base", base), ("tuned", tuned))):
        report(f"benchmarks, {name}", n / 2)
        found.append(_answered(variant, pair, names, manager, most, chat))
    values = (values_in(each["samples"]) for each in found)
    return compared(run.id, names, *values, lower=_lower(found[0].get("higher_is_better", {})))


def compared(
    run_id: str, tasks: Sequence[str], base: Values, tuned: Values, lower: Collection[tuple[str, str]] = ()
) -> Benchmarks:
    """What both models got, task by task; the p-values of all are adjusted together.

    ``lower`` are the tasks and metrics of which less is better.
    """
    shared = [key for key in base if key in tuned and len(base[key]) == len(tuned[key]) and base[key]]
    adjusted = holm([paired_test(base[key], tuned[key]) for key in shared])
    results = tuple(
        Benchmark(task=key[0], score=_score(key[1], base[key], tuned[key], p, "lower" if key in lower else "higher"))
        for key, p in zip(shared, adjusted)
    )
    taken = {key[0] for key in shared}
    left_out = tuple(task for task in tasks if not any(each == task or each.startswith(f"{task}_") for each in taken))
    return Benchmarks(run=run_id, results=results, left_out=left_out)


def _score(metric: str, base: Sequence[float], tuned: Sequence[float], adjusted: float, better: str) -> Score:
    differences = [after - before for before, after in zip(base, tuned)]
    return Score(
        metric=metric,
        better=better,
        rows=len(base),
        base=_bounds(base),
        tuned=_bounds(tuned),
        difference=_bounds(differences),
        p=paired_test(base, tuned),
        p_adjusted=adjusted,
    )


def _bounds(values: Sequence[float]) -> Bounds:
    return Bounds(**asdict(mean_interval(values)))


def _tasks(wanted: Sequence[str], folder: Path | None) -> tuple[Any, list[str]]:
    """The harness's manager of tasks, and the names of those to run."""
    from lm_eval.tasks import TaskManager

    if folder is not None and not folder.is_dir():
        raise FinetuneError(f"There is no folder {folder}.", "Give one with tasks as YAML files.")
    manager = TaskManager(include_path=str(folder) if folder else None, include_defaults=bool(wanted) or not folder)
    names = list(wanted) or (list(manager.all_tasks) if folder else [])
    if not names:
        where = f"The folder {folder} has no task." if folder else "No task was named."
        raise FinetuneError(where, f"Short ones are {', '.join(SHORT)}.")
    if unknown := [name for name in names if name not in manager.all_tasks]:
        raise FinetuneError(f"The harness has no task {', '.join(unknown)}.", "`lm_eval ls tasks` lists what it has.")
    return manager, names


def _lower(higher_is_better: dict[str, dict[str, bool]]) -> set[tuple[str, str]]:
    """Tasks and metrics of which less is better, as the harness says."""
    every = ((task, metric, is_so) for task, metrics in higher_is_better.items() for metric, is_so in metrics.items())
    return {(task, metric) for task, metric, is_so in every if is_so is False}


def _answered(variant: Variant, pair: Pair, tasks: list[str], manager, most: int, chat: bool) -> dict:
    """The results of the harness for one model."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    with variant.ready(), _explained():
        model = HFLM(pretrained=variant.model, tokenizer=pair.tokenizer, batch_size=AT_ONCE, **_context(pair.context))
        return simple_evaluate(
            model=model, tasks=tasks, limit=most, task_manager=manager, bootstrap_iters=0, apply_chat_template=chat
        )


def _context(context: float) -> dict[str, int]:
    """How much the model reads, where that is limited."""
    return {"max_length": int(context)} if math.isfinite(context) else {}


def values_in(samples: dict[str, list[dict]]) -> Values:
    """The value of each document by each metric that is a number of one document."""
    found: Values = {}
    for task, documents in samples.items():
        documents = sorted(documents, key=lambda document: document["doc_id"])
        for metric in documents[0].get("metrics", ()) if documents else ():
            values = [document.get(metric) for document in documents]
            if all(isinstance(value, int | float) and math.isfinite(value) for value in values):
                found[task, metric] = [float(value) for value in values]
    return found


@contextmanager
def _explained() -> Iterator[None]:
    """Inside, what the harness cannot do is a sentence: data sets that cannot be fetched, tasks that are none."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The harness cannot run these tasks: {first_sentence(error, 300)}",
            "The tasks that it ships fetch their data from the Hub; your own tasks with local data need no network.",
        ) from error
