"""A cluster that Slurm manages: one ``torchrun`` on each node, which meet on the first one."""

from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.exports.launchers.launcher import PORT, PYTHON, Job, Launcher
from finetune.exports.target import Step


class Slurm(Launcher):
    """``sbatch``."""

    name: ClassVar[str] = "slurm"
    order: ClassVar[int] = 30
    words: ClassVar[str] = "on a cluster that Slurm manages"
    file: ClassVar[str] = "slurm.sbatch"
    takes: ClassVar[tuple[str, ...]] = ("nodes", "gpus_per_node", "hours", "output")

    def text(self, job: Job) -> str:
        """A batch file. Nodes of one job share the port only with jobs of others, so the job's number shifts it."""
        gpus = f"#SBATCH --gpus-per-node={job.gpus}\n" if job.gpus else ""
        return f"""\
#!/usr/bin/env bash
#SBATCH --job-name={job.run}
#SBATCH --nodes={job.nodes}
#SBATCH --ntasks-per-node=1
{gpus}#SBATCH --time={job.hours}:00:00
#SBATCH --output=slurm-%j.log
#
# Trains run {job.run} on {job.words}. In this folder:
#
#     sbatch slurm.sbatch
#
# Adapt:
# - Clusters often need a partition and an account; remove one # of each line:
##SBATCH --partition=PARTITION
##SBATCH --account=ACCOUNT
# - CPU cores of a node: ##SBATCH --cpus-per-task=16
# - This folder has to be one that all nodes share. Only global rank 0 writes, so the model is there once.
# - Nodes without internet need the base model and the libraries beforehand: HF_HOME and TRAIN_PYTHON in shared folders.
set -euo pipefail
cd "${{SLURM_SUBMIT_DIR:?Start it with sbatch}}"

{PYTHON}
{job.without_gpu}mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$(({PORT} + SLURM_JOB_ID % 1000))
srun "${{python[@]}}" -m torch.distributed.run \\
  --nnodes {job.nodes} --nproc-per-node {job.processes_per_node} \\
  --rdzv-id "$SLURM_JOB_ID" --rdzv-backend c10d --rdzv-endpoint "${{hosts[0]}}:$port" \\
  train.py{job.to}
"""

    def steps(self, folder: Path) -> list[Step]:
        """The command that submits it, and how to watch it."""
        return [
            Step("Submit it on a login node", f"cd {quote(str(folder))} && sbatch {self.file}"),
            Step("Watch it", 'squeue --user "$USER"\ntail -f slurm-*.log'),
        ]
