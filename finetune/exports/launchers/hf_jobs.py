"""Hugging Face Jobs: one machine of the Hub, whose disk is gone at the end, so the model goes to a bucket."""

import re
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import ClassVar

from finetune.errors import RunError
from finetune.exports.launchers.launcher import Job, Launcher
from finetune.exports.target import Step

FLAVOR = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""The form of a flavor: ``l4x1``, ``a10g-large``, ``h200x8``; `hf jobs hardware` lists them."""
SEVERAL = re.compile(r"x(\d+)$")
"""How a flavor ends that has several GPUs."""
BUCKET = re.compile(r"[\w][\w.-]*/[\w][\w.-]*", re.ASCII)
IMAGE = "ghcr.io/astral-sh/uv:debian"
"""A container with uv, for commands that are no single script."""


class HfJobs(Launcher):
    """``hf jobs``."""

    name: ClassVar[str] = "hf-jobs"
    order: ClassVar[int] = 50
    words: ClassVar[str] = "on Hugging Face Jobs"
    file: ClassVar[str] = "hf-jobs.sh"
    takes: ClassVar[tuple[str, ...]] = ("hours", "flavor", "bucket")

    def suited(self, job: Job) -> Job:
        """``job`` with the GPUs of its flavor.

        ``RunError`` without a flavor and a bucket of the Hub's forms.
        """
        if not FLAVOR.fullmatch(job.flavor):
            raise RunError(
                f"Hugging Face Jobs need the name of the hardware, and flavor is {job.flavor!r}.",
                "Set e.g. flavor=l4x1; `hf jobs hardware` lists them with their prices.",
            )
        if not BUCKET.fullmatch(job.bucket):
            raise RunError(
                f"A Hugging Face Job keeps nothing, so it needs a bucket for the model, and bucket is {job.bucket!r}.",
                "Set e.g. bucket=ME/finetuned; `hf buckets create finetuned` makes it.",
            )
        return replace(job, gpus=gpus_of(job.flavor))

    def text(self, job: Job) -> str:
        """A bash file; with several GPUs ``torchrun`` starts a process for each."""
        options = f"""\
  --flavor {job.flavor} --timeout {job.hours}h --secrets HF_TOKEN \\
  -v .:/run -v hf://buckets/{job.bucket}:/out \\
"""
        alone = f"hf jobs uv run \\\n{options}  train.py --data /run --to /out\n"
        several = (
            f"hf jobs run \\\n{options}  {IMAGE} \\\n"
            '  uv run --no-project --python ">=3.11" --with-requirements /run/train.py \\\n'
            f"  python -m torch.distributed.run --standalone --nproc-per-node {job.gpus} \\\n"
            "  /run/train.py --data /run --to /out\n"
        )
        return f"""\
#!/usr/bin/env bash
# Trains run {job.run} on Hugging Face Jobs, on the hardware {job.flavor}, for at most {job.hours} hours.
#
#     bash hf-jobs.sh
#
# It uploads this folder and prints the job's log. The model and losses.jsonl are in the bucket {job.bucket} afterwards:
#     hf buckets sync hf://buckets/{job.bucket} trained
#
# Adapt:
# - Sign in once with `hf auth login`. Jobs are paid by the second.
# - The token in HF_TOKEN reads a gated base model. Without one remove `--secrets HF_TOKEN`.
# - In an organisation add `--namespace ORGANISATION`.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"

{several if job.gpus > 1 else alone}"""

    def steps(self, folder: Path) -> list[Step]:
        """The command that starts it, and how to watch it."""
        return [
            Step("Start it", f"bash {quote(str(folder / self.file))}"),
            Step("See all jobs", "hf jobs ps --all"),
        ]


def gpus_of(flavor: str) -> int:
    """The GPUs of a machine of this ``flavor``."""
    if flavor.startswith("cpu"):
        return 0
    several = SEVERAL.search(flavor)
    return int(several[1]) if several else 1
