"""``check``: what becomes of each row of a data file, before anything is trained on it."""

from functools import partial
from pathlib import Path

from finetune.commands.command import Commands, answer, between, settings, take_settings
from finetune.commands.progress import PATIENCE_S, Status, shown
from finetune.data.detected import AUTO, Detected
from finetune.data.settings import DataSettings
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    check = commands.add("check", check_file, "read a data file and report what becomes of each row")
    check.add_argument("file", type=Path, metavar="FILE", help="CSV, JSON, JSONL, Parquet, Arrow, Excel or text")
    check.add_argument(
        "--model",
        default="starter",
        metavar="ID",
        help="the model whose tokenizer counts the tokens (default: starter)",
    )
    check.add_argument(
        "--length",
        type=between(16, 131_072),
        default=1024,
        metavar="N",
        help="truncate rows at this many tokens (default: 1024)",
    )
    take_settings(check, "how the file is read, e.g. encoding=latin-1")


def understood(detected: Detected, given: DataSettings) -> list[str]:
    """How the rows are understood, line by line."""
    chosen = "as you chose" if given.format != AUTO else f"{detected.percent} % confidence"
    lines = [f"format: {detected.format} ({detected.title}, {chosen})", f"columns: {detected.mapped}"]
    lines += [f"not used: {detected.unread}"] if detected.unused else []
    lines += [f"note: {note}" for note in detected.notes]
    doubt = detected.doubt(given.format)
    return [*lines, f"question: {doubt} {detected.remedy}"] if doubt else lines


def check_file(options, workspace: Workspace) -> int:
    """Print the report on a data file: its format, the rows that are kept and rejected, findings and advice."""
    from finetune.data.mix import read_held_out, read_main
    from finetune.data.pieces import cutting
    from finetune.data.report import check
    from finetune.data.summary import PREFILTER
    from finetune.machine.libraries import quieten
    from finetune.methods import method_for
    from finetune.models.preview import inspect_before_run
    from finetune.models.tokenizer import load_tokenizer

    quieten()
    data = {"path": str(options.file), **settings(options.set)}
    recipe = Recipe.from_dict({"data": data, "model": {"id": options.model}})
    model, given = recipe.model, recipe.data
    progress, length = shown(options.json, after_s=PATIENCE_S, stays=False), options.length
    try:
        if options.model != "starter":
            progress.show(Status("Inspecting the model"))
            inspect_before_run(model, workspace)
        dataset = read_main(
            given,
            workspace.find,
            prefilter=PREFILTER,
            progress=lambda share: progress.show(Status("Reading the file", share)),
        )
        held_out = read_held_out(given, workspace.find)
        progress.show(Status("Loading the tokenizer"))
        method, tokenizer = method_for(dataset.kind), load_tokenizer(model, workspace)
        report = check(
            dataset,
            partial(cutting(method.sequences, given), tokenizer=tokenizer, length=length),
            length,
            held_out,
            advise=method.advice,
            progress=lambda share: progress.show(Status("Checking the rows", share)),
        )
    finally:
        progress.close()
    facts = report.to_dict()
    lines = understood(report.detected, given)
    lines += [f"{key}: {facts[key]}" for key in ("rows", "kept", "tokens", "longest")]
    lines += [f"row {row['row']}: {row['reason']}" for row in facts["rejected"]]
    lines += [f"{finding['severity']}: {finding['message']}" for finding in facts["findings"]]
    return answer(options, facts, [*lines, facts["advice"]])
