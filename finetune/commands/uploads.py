"""``uploads``: the files that were brought to the page, and their end."""

import argparse
import time

from finetune.commands.command import Commands, answer
from finetune.format import counted, size
from finetune.runs.uploads import Upload
from finetune.runs.workspace import Workspace

DAY_S = 86_400.0


def add(commands: Commands) -> None:
    """Add the command of this file."""
    command = commands.add("uploads", show_uploads, "list the files that were brought to the page, or delete some")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--delete", metavar="PATH", help="delete this one, unless a queued or active run needs it")
    which.add_argument(
        "--older-than", type=days, metavar="DAYS", help="delete those that no run names and nobody used for so long"
    )


def days(text: str) -> float:
    """A number of days from the command line."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return found


def show_uploads(options, workspace: Workspace) -> int:
    """Print a line for each upload; or delete some and print which."""
    if options.delete is None and options.older_than is None:
        found = workspace.uploads()
        return answer(options, {"uploads": [_facts(each) for each in found]}, [*map(_line, found)] or ["No uploads."])
    deleted = [options.delete] if options.delete is not None else _old(workspace, options.older_than)
    for path in deleted:
        workspace.discard(path)
    return answer(options, {"deleted": deleted}, [*deleted, f"{counted(len(deleted), 'upload')} deleted."])


def _old(workspace: Workspace, older_than: float) -> list[str]:
    before = time.time() - older_than * DAY_S
    return [each.path for each in workspace.uploads() if not each.runs and each.used_at < before]


def _facts(each: Upload) -> dict:
    return {
        "path": each.path,
        "bytes": each.size_bytes,
        "used_at": each.used_at,
        "owners": list(each.owners),
        "runs": list(each.runs),
    }


def _line(each: Upload) -> str:
    used = time.strftime("%Y-%m-%d", time.localtime(each.used_at))
    return f"{size(each.size_bytes):>8}  {used}  {each.path}  {', '.join(each.runs) or 'no run'}"
