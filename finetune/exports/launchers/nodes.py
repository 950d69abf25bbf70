"""Several machines that reach each other: the same file is started on each of them, with the machine's number."""

from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.exports.launchers.launcher import PORT, PYTHON, Job, Launcher
from finetune.exports.target import Step


class Nodes(Launcher):
    """``torchrun`` on several machines."""

    name: ClassVar[str] = "nodes"
    order: ClassVar[int] = 20
    words: ClassVar[str] = "on several machines, each started by hand"
    file: ClassVar[str] = "nodes.sh"
    takes: ClassVar[tuple[str, ...]] = ("nodes", "gpus_per_node", "output")

    def text(self, job: Job) -> str:
        """A bash file that takes the number of the machine and the address of machine 0.

        Ranks are set by that number, so that global rank 0, which alone writes, is on machine 0.
        """
        return f"""\
#!/usr/bin/env bash
# Trains run {job.run} on {job.words}.
#
#     bash nodes.sh NUMBER ADDRESS
#
# Start it on each machine: NUMBER is 0 on the first, 1 on the next and so on; ADDRESS is where the others reach the
# first. They wait for each other. Only machine 0 writes the model.
#
# Adapt:
# - This folder has to be on each machine: shared, or copied there.
# - Port {PORT} of machine 0 has to be open to the others, or set TRAIN_PORT.
# - With several networks name the right one: export NCCL_SOCKET_IFNAME=eth0 (GLOO_SOCKET_IFNAME on CPUs).
set -euo pipefail
number="${{1:?Usage: bash nodes.sh NUMBER ADDRESS}}"
address="${{2:?Usage: bash nodes.sh NUMBER ADDRESS}}"
cd "$(dirname "${{BASH_SOURCE[0]}}")"

{PYTHON}
{job.without_gpu}exec "${{python[@]}}" -m torch.distributed.run \\
  --nnodes {job.nodes} --nproc-per-node {job.processes_per_node} --node-rank "$number" \\
  --master-addr "$address" --master-port "${{TRAIN_PORT:-{PORT}}}" \\
  train.py{job.to}
"""

    def steps(self, folder: Path) -> list[Step]:
        """The command on the first machine, and on the others."""
        start = f"bash {quote(str(folder / self.file))}"
        return [
            Step("On the first machine", f'{start} 0 "$(hostname)"'),
            Step("On the second machine, and so on, with the first one's address", f"{start} 1 ADDRESS"),
        ]
