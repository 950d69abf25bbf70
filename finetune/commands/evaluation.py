"""``evaluate``: base and tuned of runs on held-out rows."""

from finetune import format
from finetune.commands.command import ROWS, Commands, answer
from finetune.commands.judge import judge_of
from finetune.evaluation.difference import opinion
from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Part, Scores
from finetune.evaluation.sheet import Request, Sheet, key_of
from finetune.evaluation.verdict import verdict
from finetune.evaluation.words import PARTS, interval, value
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    evaluate = commands.add(
        "evaluate", evaluate_runs, "score base and tuned of runs on held-out rows: better, forgotten, overfitted?"
    )
    evaluate.add_argument("runs", nargs="+", metavar="RUN", help="the number or the id of a run")
    evaluate.add_argument("--data", metavar="FILE", help="other rows than the run's own held-out rows")
    evaluate.add_argument("--general", metavar="FILE", help="other general questions, for what was forgotten")
    evaluate.add_argument("--rows", type=ROWS, default=200, metavar="N", help="at most so many rows (default: 200)")
    evaluate.add_argument(
        "--judge", metavar="MODEL", help="also ask a judge: a model here, or its name at the endpoint"
    )
    evaluate.add_argument(
        "--endpoint", metavar="URL", help="an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1"
    )
    evaluate.add_argument("--criteria", metavar="TEXT", help="what a good answer is, in words, for the judge")
    evaluate.add_argument("--again", action="store_true", help="evaluate anew what has its scores already")


def evaluate_runs(options, workspace: Workspace) -> int:
    """Print what each run's scores mean, and a table of all of them."""
    from finetune.evaluation.evaluate import evaluate
    from finetune.machine.lease import Lease

    request = Request(data=options.data, rows=options.rows, general=options.general, judge=judge_of(options))
    found = []
    for run in [workspace.run(name) for name in options.runs]:
        sheet = Sheet(run, key_of(options.data))
        scores = None if options.again or options.general or options.judge else sheet.scores
        if scores is None:
            with Lease(workspace.path).take():
                sheet.ask(request).finish(*evaluate(run, workspace, request, sheet.report))
            scores = sheet.scores
        found.append((run, scores))
    facts = {"runs": [{**scores.model_dump(), "verdict": list(verdict(scores).sentences)} for _, scores in found]}
    lines = [line for run, scores in found for line in _lines(run, scores)]
    return answer(options, facts, [*lines, *(_table(found) if len(found) > 1 else [])])


def _lines(run: Run, scores: Scores) -> list[str]:
    words = [f"  {sentence}" for sentence in verdict(scores).sentences]
    if scores.judged:
        words.append(f"  {opinion(scores.judged)}")
    return [run.id, *words, "", *(line for part in scores.parts for line in _part(part)), ""]


def _part(part: Part) -> list[str]:
    rows = [("", "base", "tuned", "difference", "")]
    for score in part.scores:
        metric = METRICS[score.metric]
        mark = " *" if score.metric == part.main else ""
        rows.append(
            (
                f"  {metric.title}{mark}",
                value(metric, score.base.value),
                value(metric, score.tuned.value),
                interval(metric, score.difference),
                score.outcome if score.better else "",
            )
        )
    head = f"{format.counted(part.rows)} of {part.of:,} {PARTS[part.name]} ({part.data})"
    return [head, *_columns(rows)]


def _table(found: list[tuple[Run, Scores]]) -> list[str]:
    """Several runs side by side, by the main metric of each."""
    rows = [("run", "metric", "base", "tuned", "kept", "advice")]
    for run, scores in found:
        score, metric = scores.asked.deciding, METRICS[scores.asked.main]
        kept = format.percent(scores.kept.share.value) if scores.kept else "–"
        values = (value(metric, score.base.value), value(metric, score.tuned.value))
        rows.append((run.id, metric.title, *values, kept, verdict(scores).advice))
    return _columns(rows)


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
