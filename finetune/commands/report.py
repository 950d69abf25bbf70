"""``report``: what a run was, whether it is better than its base, and what it cost, on one page."""

import argparse
import math
from pathlib import Path

from finetune import modes
from finetune.commands.command import Commands, answer, writing
from finetune.errors import FinetuneError
from finetune.evaluation.cost import MOST_PRICE
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the command of this file."""
    command = commands.add("report", write_report, "write the report of a run: one HTML page, and its facts as JSON")
    command.add_argument("run", metavar="RUN", help="the number or the id of a run")
    command.add_argument(
        "--to", type=Path, metavar="FILE.html", help="the page to write (default: report.html in the run directory)"
    )
    command.add_argument(
        "--price", type=price, metavar="EUR_PER_HOUR", help="what an hour of the machine costs, in euros"
    )


def price(text: str) -> float:
    """A price from the command line."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= MOST_PRICE:
        raise argparse.ArgumentTypeError(f"{text!r} is no price from 0 to {MOST_PRICE:g} euros per hour")
    return found


def write_report(options, workspace: Workspace) -> int:
    """Write the report of a run and print what it says and where it is."""
    from finetune.evaluation.report import report
    from finetune.evaluation.report_page import write

    run = workspace.run(options.run)
    to = options.to or run.path / "report.html"
    if to.suffix.lower() not in (".html", ".htm"):
        raise FinetuneError(f"{to} is no name for a page.", "Give a file that ends in .html.")
    found = report(run, workspace, options.price)
    with writing(to):
        page, facts = write(found, to)
        for path in (page, facts) if options.to else ():
            modes.give(path)
    paths = {"html": str(page), "json": str(facts)}
    return answer(
        options,
        {**paths, "report": found.model_dump(mode="json")},
        [*filter(None, [found.advice, found.verdict, *found.missing]), str(page)],
    )
