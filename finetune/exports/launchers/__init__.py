"""Launchers: the ways to start the exported script, one file each, found by being there.

launcher    the base class, and what is asked of one
here        on this machine, by torchrun or alone
nodes       on several machines, by torchrun on each of them
slurm       on a cluster that Slurm manages
skypilot    on machines of a cloud, rented by SkyPilot
hf_jobs     on Hugging Face Jobs

How to add one: a file here with a subclass of ``Launcher``, whose ``text`` is the one file that is written beside
train.py. Whatever goes into a line of shell goes through ``quote``.
"""

import sys

from finetune.exports.launchers.launcher import Job, Launcher
from finetune.registry import discover

LAUNCHERS: dict[str, Launcher] = {cls.name: cls() for cls in discover(sys.modules[__name__], Launcher)}

__all__ = ["LAUNCHERS", "Job", "Launcher"]
