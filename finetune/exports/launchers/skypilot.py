"""Machines of a cloud that SkyPilot rents for the time of the training."""

import re
from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.errors import RunError
from finetune.exports.launchers.launcher import PORT, PYTHON, Job, Launcher
from finetune.exports.target import Step

GPU = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
"""The name of a GPU: ``L4``, ``A100-80GB``."""
BUCKET = re.compile(r"(?:s3|gs|r2|cos|oci)://[a-z0-9][a-z0-9._/-]*")
"""A bucket that SkyPilot mounts."""


class SkyPilot(Launcher):
    """``sky launch``."""

    name: ClassVar[str] = "skypilot"
    order: ClassVar[int] = 40
    words: ClassVar[str] = "on machines of a cloud, rented by SkyPilot"
    file: ClassVar[str] = "skypilot.yaml"
    takes: ClassVar[tuple[str, ...]] = ("nodes", "gpus_per_node", "hours", "flavor", "bucket")

    def suited(self, job: Job) -> Job:
        """``job``, or a ``RunError`` without the name of a GPU, or for a bucket that SkyPilot does not know."""
        if job.gpus and not GPU.fullmatch(job.flavor):
            raise RunError(
                f"SkyPilot needs the name of a GPU, and flavor is {job.flavor!r}.",
                "Set e.g. flavor=L4; `sky gpus list` lists them. For CPUs choose gpus_per_node=0.",
            )
        if job.bucket and not BUCKET.fullmatch(job.bucket):
            raise RunError(f"SkyPilot does not know the bucket {job.bucket!r}.", "Write e.g. bucket=s3://my-bucket.")
        return job

    def text(self, job: Job) -> str:
        """A task file. Its ranks are SkyPilot's, so global rank 0 is on the head node, which ``rsync`` reads from."""
        hardware = f"accelerators: {job.flavor}:{job.gpus}" if job.gpus else "cpus: 4+"
        mount = f"file_mounts:\n  /out:\n    source: {job.bucket}\n    mode: MOUNT\n\n" if job.bucket else ""
        to = " --to /out" if job.bucket else ""
        start = f"""\
set -euo pipefail
export PATH="$HOME/.local/bin:$PATH"
{PYTHON}\
{job.without_gpu}head="${{SKYPILOT_NODE_IPS%%$'\\n'*}}"
timeout {job.hours}h "${{python[@]}}" -m torch.distributed.run \\
  --nnodes "$SKYPILOT_NUM_NODES" --nproc-per-node {job.processes_per_node} --node-rank "$SKYPILOT_NODE_RANK" \\
  --master-addr "$head" --master-port {PORT} \\
  train.py{to}
"""
        return f"""\
# Trains run {job.run} on {job.words}. In this folder:
#
#     sky launch --cluster {_cluster(job.run)} --idle-minutes-to-autostop 10 --down skypilot.yaml
#
# Adapt:
# - The cloud and the region: `infra: aws/us-east-1` below resources; without it SkyPilot takes the cheapest.
# - The machines are gone 10 minutes after the end. Copy the model before, or name a bucket:
#     rsync -av {_cluster(job.run)}:sky_workdir/model .
# - A gated base model: `sky launch --secret HF_TOKEN …` with the token in your environment.
name: {_cluster(job.run)}
num_nodes: {job.nodes}
workdir: .

resources:
  {hardware}
  disk_size: 256

{mount}setup: |
  command -v uv || python3 -m pip install --user uv

run: |
{_indented(start)}"""

    def steps(self, folder: Path) -> list[Step]:
        """The commands that start it, fetch the model and end the machines."""
        cluster = _cluster(folder.name)
        return [
            Step(
                "Start it",
                f"cd {quote(str(folder))} && sky launch --cluster {cluster} --idle-minutes-to-autostop 10 --down"
                f" {self.file}",
            ),
            Step("Fetch the model", f"rsync -av {cluster}:sky_workdir/model ."),
            Step("End the machines", f"sky down {cluster}"),
        ]


def _cluster(run: str) -> str:
    """The name of the cluster: SkyPilot wants a letter first."""
    return f"run-{run}"


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
