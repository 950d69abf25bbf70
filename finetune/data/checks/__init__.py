"""What is looked for in the rows before training: one file per check, found by being there."""

import sys

from finetune.data.checks.check import Check, Evidence, Finding, Seen, Summary
from finetune.registry import discover

CHECKS: tuple[type[Check], ...] = tuple(discover(sys.modules[__name__], Check))

__all__ = ["CHECKS", "Check", "Evidence", "Finding", "Summary", "Seen"]
