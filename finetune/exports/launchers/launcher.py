"""What a launcher is: one way to start the exported ``train.py``, on one machine or on several."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.exports.target import Step
from finetune.format import counted

PORT = 29500
"""Where the machines meet: torchrun's own default."""

PYTHON = """\
# The libraries: uv installs those that the head of train.py names, once on each machine. For an environment of your own
# set TRAIN_PYTHON to its python.
if [ -n "${TRAIN_PYTHON:-}" ]; then
  python=("$TRAIN_PYTHON")
else
  python=(uv run --no-project --python ">=3.11" --with-requirements train.py python)
fi
"""
"""Lines of bash that set ``python`` to a command with the script's libraries; the working folder is the script's."""


@dataclass(frozen=True)
class Job:
    """What is asked of a launcher."""

    run: str
    """The id of the run, which is a slug."""
    nodes: int = 1
    """Machines."""
    gpus: int = 1
    """GPUs of each machine; 0 to train on CPUs."""
    hours: int = 24
    """Time limit."""
    flavor: str = ""
    """The hardware, as the launcher calls it."""
    bucket: str = ""
    """Where the model goes, where the machine is gone afterwards."""
    output: str = ""
    """The folder that the model is written to; empty for the script's own."""

    @property
    def processes_per_node(self) -> int:
        """One for each GPU, or one on CPUs."""
        return max(self.gpus, 1)

    @property
    def processes(self) -> int:
        """Processes of the distributed training."""
        return self.nodes * self.processes_per_node

    @property
    def words(self) -> str:
        """How many machines and processes, in words: ``2 machines with 4 processes each``."""
        each = counted(self.processes_per_node, "process", "processes")
        return f"{self.nodes} machines with {each} each" if self.nodes > 1 else f"1 machine with {each}"

    @property
    def to(self) -> str:
        """The words of ``train.py`` for the folder it writes to, quoted for a shell, with a blank before them."""
        return f" --to={quote(self.output)}" if self.output else ""

    @property
    def without_gpu(self) -> str:
        """A line of bash that hides the GPUs where none is to be used."""
        return "" if self.gpus else 'export CUDA_VISIBLE_DEVICES=""\n'


class Launcher:
    """The base of all launchers; a subclass is one file in this package."""

    name: ClassVar[str]
    """What the option ``launcher`` calls it."""
    order: ClassVar[int] = 100
    words: ClassVar[str]
    """Where it starts the script, as a phrase: ``on this machine``."""
    file: ClassVar[str] = ""
    """The name of the file beside train.py; empty if it needs none."""
    takes: ClassVar[tuple[str, ...]] = ()
    """The options of the script that concern it."""

    def suited(self, job: Job) -> Job:
        """``job`` as it can be started here, or a ``RunError``."""
        return job

    def text(self, job: Job) -> str:
        """The text of ``file``."""
        raise NotImplementedError

    def steps(self, folder: Path) -> list[Step]:
        """How to start it from ``folder``, where train.py and ``file`` are."""
        raise NotImplementedError
