"""The command line: the same engine without a page.

The answer goes to stdout, progress and logs go to stderr. Exit code 0 only on success, 2 on bad input, 1 when a run
failed or memory ran out, 75 when this process lost its CUDA context: started again, it can continue.
"""

import argparse
import os
import sys

from finetune import modes
from finetune.commands import (
    benchmarks,
    data,
    estimate,
    evaluation,
    models,
    people,
    report,
    rewards,
    runs,
    serving,
    training,
    uploads,
)
from finetune.commands.command import Commands
from finetune.errors import FinetuneError
from finetune.runs.workspace import Workspace
from finetune.service.launcher import EXIT_CONTEXT_LOST
from finetune.terminal import guarded, plain

GROUPS = (data, estimate, rewards, training, runs, evaluation, report, benchmarks, models, serving, uploads, people)
"""The groups of commands, in the order of the help."""


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(
        prog="python -m finetune", description="Fine-tune a language model, and see what changed."
    )
    commands = Commands(top)
    for group in GROUPS:
        group.add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    An error that a person can fix, or a file that cannot be written, is one sentence on stderr with code 2. So is
    running out of memory, with 1, and a lost CUDA context, with 75. Anything else is a bug and raised.
    """
    with guarded():
        return _work(parser().parse_args(arguments))


def _work(options: argparse.Namespace) -> int:
    try:
        workspace = Workspace()
        workspace.close()
        return options.work(options, workspace)
    except FinetuneError as error:
        print(plain(str(error)), file=sys.stderr)
        return 2
    except OSError as error:
        if not isinstance(error.filename, str | os.PathLike):  # of no file
            raise
        print(plain(f"{error.filename} cannot be read or written: {error.strerror}."), file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        from finetune.machine.device_errors import explained, is_context_lost

        meant = explained(error)
        if meant is None:
            raise
        print(meant, file=sys.stderr)
        return EXIT_CONTEXT_LOST if is_context_lost(error) else 1


if __name__ == "__main__":
    modes.keep_to_this_account()
    sys.exit(main())
