"""The command line: the same engine without a page.

Answers go to stdout, logs to stderr. Exit code 0 only on success, 2 on bad input, 1 when a run failed or the memory
did not suffice, 75 when this process lost its graphics card: started again, it can go on.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from finetune.errors import FinetuneError, RecipeError
from finetune.format import rough_duration, size
from finetune.recipe import Recipe, read_file, read_yaml, set_path
from finetune.runs.workspace import Workspace
from finetune.service.launcher import POISONED
from finetune.training import distributed


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(
        prog="python -m finetune", description="Fine-tune a language model, and see what changed."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = _command(commands, "check", check_file, "read a data file and say what every row is good for")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument(
        "--model", default="starter", metavar="ID", help="the model whose tokens are counted (default: starter)"
    )
    check.add_argument(
        "--length", type=int, default=1024, metavar="N", help="the longest row, in tokens (default: 1024)"
    )
    check.add_argument(
        "--set", action="append", default=[], metavar="SETTING=VALUE", help="how it is read, e.g. encoding=latin-1"
    )

    train = _command(
        commands, "train", train_recipe, "train by a recipe, in the foreground; one with lists trains every combination"
    )
    train.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    train.add_argument(
        "--set", action="append", default=[], metavar="SETTING=VALUE", help="replace a setting, e.g. method.type=dpo"
    )

    _command(commands, "runs", list_runs, "list the runs of this workspace, newest first")
    for name, work, words in (
        ("show", show_run, "show what is known of a run"),
        ("stop", stop_run, "stop a run and keep its model so far"),
        ("pause", pause_run, "let a run save where it is and end, to be resumed"),
        ("resume", resume_run, "go on with a run from its last checkpoint, in the foreground"),
        ("delete", delete_run, "remove a run that has ended, with its model and checkpoints, for good"),
    ):
        _command(commands, name, work, words).add_argument("run", metavar="RUN")

    _command(
        commands, "compare", compare_runs, "put runs beside each other: what differs, and which got furthest"
    ).add_argument("runs", nargs="+", metavar="RUN")

    chat = _command(commands, "chat", ask_both, "ask base and tuned the same question")
    chat.add_argument("run", metavar="RUN")
    chat.add_argument("--prompt", required=True, metavar="TEXT")
    chat.add_argument("--seed", type=int, default=7, metavar="N")
    chat.add_argument("--max-tokens", type=int, default=256, metavar="N")
    chat.add_argument("--greedy", action="store_true", help="always take the likeliest token")

    fit = _command(
        commands,
        "fit",
        fit_recipe,
        "say whether a recipe fits this machine and the usual cards, and if not, what would",
    )
    fit.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    fit.add_argument(
        "--set", action="append", default=[], metavar="SETTING=VALUE", help="replace a setting, e.g. adapter.type=qlora"
    )
    fit.add_argument("--measure", action="store_true", help="also take a few real steps on the longest rows")

    export = _command(
        commands, "export", export_run, "write a run's add-on as a zip, its whole model, or a script that repeats it"
    )
    export.add_argument("run", metavar="RUN")
    export.add_argument("--to", type=Path, required=True, metavar="DIR")
    export.add_argument(
        "--as",
        dest="form",
        choices=("adapter", "merged", "script"),
        default="adapter",
        help="what was learnt as a zip (default), a model folder with it merged in, or train.py with its data",
    )
    return top


def _command(commands, name: str, work, words: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=words.capitalize() + ".")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(work=work)
    return command


def check_file(options, workspace: Workspace) -> int:
    from finetune.data.mix import read_held_out, read_main
    from finetune.data.report import check
    from finetune.data.summary import PREFILTER
    from finetune.machine.libraries import quieten
    from finetune.methods import method_for
    from finetune.model import load_tokenizer
    from finetune.recipe import ModelSettings

    quieten()
    data = {"path": str(options.file), **dict(_setting(text) for text in options.set)}
    settings, length = Recipe.from_dict({"data": data}).data, options.length
    dataset, held_out = (
        read_main(settings, workspace.find, prefilter=PREFILTER),
        read_held_out(settings, workspace.find),
    )
    method = method_for(dataset.kind)
    tokenizer = load_tokenizer(ModelSettings(id=options.model), workspace)
    report = check(
        dataset, lambda example: method.sequences(example, tokenizer, length), length, held_out, advise=method.advice
    )
    facts = report.to_dict()
    lines = [f"{key}: {facts[key]}" for key in ("format", "rows", "kept", "tokens", "longest")]
    lines += [f"row {row['row']}: {row['reason']}" for row in facts["rejected"]]
    lines += [f"{finding['severity']}: {finding['message']}" for finding in facts["findings"]]
    return _answer(options, facts, [*lines, facts["advice"]])


def train_recipe(options, workspace: Workspace) -> int:
    from finetune.service.preflight import check
    from finetune.sweep import recipes

    made, run_id = recipes(_replaced(read_yaml(read_file(options.recipe)), options.set)), ""
    if len(made) > 1:
        return _work_all(options, made, workspace)
    if distributed.is_main_process():
        check(made[0], workspace)
        run_id = workspace.create(made[0]).id
        print(f"Training {run_id} …", file=sys.stderr)
    return _work(options, run_id, workspace)


def resume_run(options, workspace: Workspace) -> int:
    run = workspace.run(options.run)
    if distributed.is_main_process():
        if run.view().state != "queued":
            run.requeue()
        print(f"Going on with {run.id} …", file=sys.stderr)
    return _work(options, run.id, workspace)


def _work(options, run_id: str, workspace: Workspace) -> int:
    """Train in the foreground, alone or with the other processes that this one was started with."""
    from finetune.machine.hardware import machine
    from finetune.service.worker import work

    if distributed.world_size() > 1:
        distributed.end_with_starter()
        distributed.join(machine().device)
    run = workspace.run(distributed.share(run_id))
    work(run, workspace)
    if not distributed.is_main_process():
        return 0
    view = run.view()
    _answer(options, _summary(run), [*_said(view), f"{run.id} {view.state}"])
    return _code(view)


def _work_all(options, recipes: list[Recipe], workspace: Workspace) -> int:
    """Train one after the other; those after a run that was paused, or that left the GPU unusable, are not begun."""
    from finetune.data.known import KnownKinds
    from finetune.service.preflight import check
    from finetune.service.worker import work

    if distributed.world_size() > 1:
        raise RecipeError(
            "A recipe with lists is trained by one process.", "Start it without torchrun, or on the page."
        )
    known = KnownKinds()
    for recipe in recipes:
        check(recipe, workspace, known=known)
    runs, views = [], []
    for n, recipe in enumerate(recipes, start=1):
        runs.append(workspace.create(recipe))
        print(f"Training {runs[-1].id} ({n} of {len(recipes)}) …", file=sys.stderr)
        work(runs[-1], workspace)
        views.append(runs[-1].view())
        if views[-1].state == "paused" or views[-1].code == "gpu":
            break
    facts, lines = _beside(runs)
    _answer(options, facts, [*(line for view in views for line in _said(view)), *lines])
    return max(map(_code, views))


def _said(view) -> list[str]:
    return [f"{view.message} {view.hint}".strip()] if view.message else []


def _code(view) -> int:
    return {"done": 0, "stopped": 0, "paused": 0}.get(view.state, POISONED if view.code == "gpu" else 1)


def list_runs(options, workspace: Workspace) -> int:
    runs = [_summary(run) for run in workspace.runs()]
    lines = [f"{run['run']:32} {run['state']:12} {run['percent']:3d} %" for run in runs]
    return _answer(options, {"runs": runs}, lines or ["There are no runs yet."])


def show_run(options, workspace: Workspace) -> int:
    run = workspace.run(options.run)
    facts = _summary(run)
    return _answer(options, facts, [f"{key}: {value}" for key, value in facts.items() if value not in ("", None)])


def compare_runs(options, workspace: Workspace) -> int:
    return _answer(options, *_beside([workspace.run(name) for name in options.runs]))


def stop_run(options, workspace: Workspace) -> int:
    run = workspace.run(options.run)
    run.cancel()
    return _answer(
        options, {"run": run.id, "state": "stopping"}, [f"{run.id} stops after this step and keeps its model."]
    )


def pause_run(options, workspace: Workspace) -> int:
    run = workspace.run(options.run)
    run.ask("pause")
    return _answer(options, {"run": run.id, "state": "stopping"}, [f"{run.id} saves where it is after this step."])


def delete_run(options, workspace: Workspace) -> int:
    run = workspace.run(options.run)
    workspace.delete(run)
    workspace.sweep()
    return _answer(options, {"run": run.id, "state": "deleted"}, [f"{run.id} was deleted."])


def ask_both(options, workspace: Workspace) -> int:
    from finetune.inference.chat import Pair, Sampling

    pair = Pair.load(workspace.run(options.run), workspace)
    sampling = Sampling(seed=options.seed, max_tokens=options.max_tokens, greedy=options.greedy)
    messages = [{"role": "user", "content": options.prompt}]
    *_, reply = pair.reply(messages, messages, sampling)
    facts = {"base": reply.base, "tuned": reply.tuned, "tokens_per_s": round(reply.tokens_per_s, 1)}
    return _answer(options, facts, [f"base:  {reply.base}", f"tuned: {reply.tuned}"])


def fit_recipe(options, workspace: Workspace) -> int:
    from finetune.fit.estimate import estimate_fit
    from finetune.fit.probe import count_tokens, measured
    from finetune.fit.suggest import suggest
    from finetune.machine.libraries import load
    from finetune.service.preflight import check

    recipe = Recipe.load(options.recipe).changed(**dict(_setting(text) for text in options.set))
    check(recipe, workspace)
    load()
    counts = count_tokens(recipe, workspace)
    fit, change = estimate_fit(recipe, workspace, counts), suggest(recipe, workspace, counts)
    facts = {
        "parameters": fit.parameters,
        "trainable": fit.trainable,
        "estimate_bytes": fit.estimate_bytes,
        "measured_bytes": None,
        "available_bytes": fit.available_bytes,
        "fits": fit.fits,
        "verdict": fit.verdict,
        "seconds_per_step": None,
        "eta_s": fit.seconds,
        "gpus": fit.gpus,
        "change": change.settings if change else {},
    }
    lines = [fit.sentence, "On a GPU of " + ", ".join(f"{gpu}: {word}" for gpu, word in fit.gpus.items()) + "."]
    if change:
        lines += [f"It fits if {change.what}:", f"  {change.words}"]
    if options.measure:
        found = measured(recipe, workspace)
        facts |= {
            "measured_bytes": found.peak_bytes,
            "seconds_per_step": found.seconds_per_step,
            "eta_s": found.eta_s,
        }
        lines.append(
            f"Measured: {size(found.peak_bytes)} at the peak, {found.seconds_per_step:.2g} s per step, "
            f"{found.steps} steps, about {rough_duration(found.eta_s)} in all."
        )
    return _answer(options, facts, lines if fit.gpus else [fit.sentence, *lines[2:]])


def export_run(options, workspace: Workspace) -> int:
    from finetune.exports.model import write_merged, zip_adapter
    from finetune.exports.script import write_script

    run, words = workspace.run(options.run), ""
    if options.form == "merged":
        path, words = write_merged(run, workspace, options.to)
    elif options.form == "script":
        path = write_script(run, workspace, options.to)
    else:
        path = zip_adapter(run, options.to)
    return _answer(options, {"path": str(path), "note": words}, [*([words] if words else []), str(path)])


def _summary(run) -> dict:
    view = run.view()
    last = view.evaluations[-1] if view.evaluations else None
    return {
        "run": run.id,
        "name": view.name,
        "state": view.state,
        "phase": view.phase,
        "percent": int(100 * view.fraction),
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


def _beside(runs: list) -> tuple[dict, list[str]]:
    """Runs beside each other: as facts, and as the lines of a table."""
    from finetune.sweep import outcomes, unlike

    read = [(run.id, run.recipe, run.view()) for run in runs]
    found, note = outcomes(read), unlike(read)
    scored = [outcome for outcome in found if outcome.best_loss is not None]
    best = min(scored, key=lambda outcome: outcome.best_loss).run if scored and not note else None
    rows = [("run", "what differs", "best held-out loss", "at step", "diagnosis")]
    for one in found:
        loss = "–" if one.best_loss is None else f"{one.best_loss:.4f}{' *' if one.run == best else ''}"
        at = "–" if one.best_step is None else str(one.best_step)
        rows.append((one.run, one.words or "–", loss, at, one.diagnosis.title))
    widths = [max(len(row[n]) for row in rows) for n in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines.append(note or "* the lowest loss on rows it never learnt from" if note or best else "No run was checked.")
    return {"runs": [outcome.to_dict() for outcome in found], "best": best, "note": note}, lines


def _replaced(values: object, settings: list[str]) -> object:
    """The ``values`` of a recipe with each ``SETTING=VALUE`` put in."""
    for name, value in map(_setting, settings if isinstance(values, dict) else ()):
        set_path(values, name, value)
    return values


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FinetuneError(f"--set {text}: there is no value.", "Write it as setting=value, e.g. training.epochs=2.")
    return name, yaml.safe_load(value)


def _answer(options, facts: dict, lines: list[str]) -> int:
    print(json.dumps(facts, ensure_ascii=False) if options.json else "\n".join(lines))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a mistake a person can mend is one sentence on stderr and exit code 2.

    So is a want of memory, with 1, and a graphics card that was lost, with 75.
    """
    options = parser().parse_args(arguments)
    try:
        return options.work(options, Workspace())
    except FinetuneError as error:
        print(error, file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        from finetune.machine.device_errors import explained, is_poisoned

        meant = explained(error)
        if meant is None:
            raise
        print(meant, file=sys.stderr)
        return POISONED if is_poisoned(error) else 1


if __name__ == "__main__":
    sys.exit(main())
