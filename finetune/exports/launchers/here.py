"""This machine: nothing is written beside the script."""

from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.exports.launchers.launcher import Launcher
from finetune.exports.target import Step


class Here(Launcher):
    """``uv``, ``python`` or ``torchrun`` on this machine."""

    name: ClassVar[str] = "here"
    order: ClassVar[int] = 10
    words: ClassVar[str] = "on this machine"

    def steps(self, folder: Path) -> list[Step]:
        """Alone, and with a process for each GPU."""
        script = quote(str(folder / "train.py"))
        return [
            Step("Train", f"uv run {script}"),
            Step("Train on several GPUs", f"torchrun --nproc-per-node {2} {script}"),
        ]
