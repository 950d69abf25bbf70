"""The commands on runs that exist: ``runs``, ``show``, ``events``, ``stop``, ``pause``, ``delete``, ``compare``."""

from pathlib import Path

from finetune import modes
from finetune.commands.command import Commands, answer, writing
from finetune.csv_file import BOM
from finetune.runs.figures import FORMS, table
from finetune.runs.heartbeat import watched
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.runs.workspace import Workspace
from finetune.terminal import plain

NO_VALUE = "–"
"""What a table shows in an empty cell."""


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    commands.add("runs", list_runs, "list the runs of this workspace, newest first")
    for name, work, text in (
        ("show", show_run, "show the state, the step and the losses of a run"),
        ("stop", stop_run, "stop a run after this step and keep the model so far"),
        ("pause", pause_run, "pause a run after this step: it saves a checkpoint and ends, to be resumed"),
        ("delete", delete_run, "delete a run that has ended, with its model and checkpoints, for good"),
    ):
        commands.add(name, work, text).add_argument("run", metavar="RUN", help="the number or the id of a run")
    events = commands.add("events", export_events, "print the figures of each step and evaluation of a run as a table")
    events.add_argument("run", metavar="RUN", help="the number or the id of a run")
    events.add_argument(
        "--as", dest="form", choices=FORMS, help="csv (the default) or json, in which a loss that is no number is null"
    )
    events.add_argument("--to", type=Path, metavar="FILE", help="the file to write; its ending may say the form")
    compare = commands.add("compare", compare_runs, "compare runs: their different settings and best held-out losses")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="the number or the id of a run")


def list_runs(options, workspace: Workspace) -> int:
    """Print a line for each run: id, state, percent of its steps."""
    runs = [summary(run) for run in workspace.runs()]
    lines = [f"{run['run']:32} {run['state']:12} {run['percent']:3d} %" for run in runs]
    return answer(options, {"runs": runs}, lines or ["There are no runs yet."])


def show_run(options, workspace: Workspace) -> int:
    """Print the summary of a run."""
    run = workspace.run(options.run)
    if run.view().elsewhere:
        watched(run.path)
    facts = summary(run)
    return answer(options, facts, [f"{key}: {value}" for key, value in facts.items() if value not in ("", None)])


def export_events(options, workspace: Workspace) -> int:
    """Print the figures of a run, or write them to a file."""
    run, to = workspace.run(options.run), options.to
    found = table(run.view())
    form = options.form or (to.suffix[1:].lower() if to and to.suffix[1:].lower() in FORMS else "csv")
    if to is None and options.json:
        return answer(options, {"run": run.id, "rows": found.records()}, [])
    if to is None:
        print(plain(FORMS[form](found).decode().removeprefix(BOM).replace("\r\n", "\n").rstrip("\n")))
        return 0
    with writing(to):
        to.write_bytes(FORMS[form](found))
        modes.give(to)
    return answer(options, {"run": run.id, "rows": len(found.rows), "file": str(to)}, [str(to)])


def compare_runs(options, workspace: Workspace) -> int:
    """Print a table of runs."""
    return answer(options, *comparison([workspace.run(name) for name in options.runs]))


def stop_run(options, workspace: Workspace) -> int:
    """Ask a run to stop."""
    run = workspace.run(options.run)
    run.cancel()
    return _asked(options, run, "stops after this step and keeps its model")


def pause_run(options, workspace: Workspace) -> int:
    """Ask a run to pause."""
    run = workspace.run(options.run)
    run.ask("pause")
    return _asked(options, run, "pauses after this step and saves a checkpoint")


def _asked(options, run: Run, text: str) -> int:
    return answer(options, {"run": run.id, "state": "stopping"}, [f"{run.id} {text}."])


def delete_run(options, workspace: Workspace) -> int:
    """Delete a run, and what earlier deletions left behind."""
    run = workspace.run(options.run)
    workspace.delete(run)
    workspace.prune()
    return answer(options, {"run": run.id, "state": "deleted"}, [f"{run.id} was deleted."])


def summary(run: Run) -> dict:
    """A run as JSON values, as ``show --json`` prints it."""
    view = run.view()
    last = view.evaluations[-1] if view.evaluations else None
    return {
        "run": run.id,
        "name": view.name,
        "state": view.state,
        "phase": view.phase,
        "percent": int(100 * view.fraction),
        "elsewhere": _elsewhere(view),
        "step": view.step,
        "total_steps": view.total_steps,
        "loss": view.steps[-1].loss if view.steps else None,
        "held_out_loss": last.loss if last else None,
        "metrics": last.metrics if last else {},
        "tokens_per_s": view.tokens_per_s,
        "elapsed_s": round(view.elapsed_s, 1),
        "code": view.code,
        "message": view.message,
        "hint": view.hint,
    }


def _elsewhere(view: View) -> str:
    """Where a run is trained that another machine trains, and whether that is silent; empty for any other run."""
    if view.elsewhere is None:
        return ""
    return " ".join([f"{view.elsewhere.words}.", *(view.elsewhere.silent_words if view.is_silent else ())])


def comparison(runs: list[Run]) -> tuple[dict, list[str]]:
    """Runs side by side: as facts, and as the lines of a table.

    The best run has a star: by the main metric of their scores where these can be ranked, else by its loss if that can.
    """
    from finetune.evaluation.ranking import best_of, incomparable
    from finetune.evaluation.sheet import read as read_scores
    from finetune.sweep import outcomes, unlike

    scores = [read_scores(run) for run in runs]
    unranked = incomparable(runs, scores)
    read = [(run.id, run.recipe, run.view()) for run in runs]
    found, note = outcomes(read), unlike(read)
    evaluated = [outcome for outcome in found if outcome.best_loss is not None]
    best = min(evaluated, key=lambda outcome: outcome.best_loss).run if evaluated and not note else None
    best = best if unranked else best_of(runs, scores).id
    rows = [("run", "differs in", "score", "best held-out loss", "at step", "diagnosis")]
    for one, scored in zip(found, scores):
        score, loss = _score(scored), NO_VALUE if one.best_loss is None else f"{one.best_loss:.4f}"
        if one.run == best:
            score, loss = (score, f"{loss} *") if unranked else (f"{score} *", loss)
        at = NO_VALUE if one.best_step is None else str(one.best_step)
        rows.append((one.run, one.words or NO_VALUE, score, loss, at, one.diagnosis.title))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    by_loss = note or ("* the lowest loss on held-out rows" if best else "No run was evaluated.")
    lines.append(by_loss if unranked else "* the best score on held-out rows")
    facts = [
        {**outcome.to_dict(), "score": scored and scored.asked.deciding.model_dump()}
        for outcome, scored in zip(found, scores)
    ]
    return {"runs": facts, "best": best, "note": note if unranked else ""}, lines


def _score(scores) -> str:
    """The main metric of the tuned model and its value; a dash if it has no scores."""
    from finetune.evaluation.metrics import METRICS
    from finetune.evaluation.words import value

    if scores is None:
        return NO_VALUE
    metric = METRICS[scores.asked.main]
    return f"{metric.title} {value(metric, scores.asked.deciding.tuned.value)}"
