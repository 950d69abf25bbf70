"""What to do next with what was written, as commands to copy."""

from pathlib import Path

from finetune.exports.production import production_of
from finetune.exports.target import Step
from finetune.models.usage import saved_json, usage
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def loading(run: Run, merged: bool = False) -> Step:
    """How a program loads it, in the folder in which it is unpacked."""
    return Step("Load it in Python", usage(run, merged))


def asking(run: Run) -> Step:
    """How other programs ask the run itself, through this program."""
    return Step("Ask it from other programs (OpenAI’s API)", f"python -m finetune serve {run.number}")


def serving(run: Run, folder: Path, merged: bool = False) -> Step:
    """How vLLM serves ``folder`` to many, or why it cannot."""
    config = {} if merged else saved_json(run, "adapter_config.json")
    found = production_of(run, Workspace(run.path.parent.parent), config, folder)
    notes = [f"# {words}" for words in [found.words] if words]
    return Step("Serve it to many (vLLM)", "\n".join([*notes, *found.lines]))
