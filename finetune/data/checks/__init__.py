"""What the rows are checked for before training: one check per file, found by being there.

    check             what a check is, what it sees, and what it reports
    unused            columns that no part of the format reads
    size              too few rows
    unlearnable       rows without trained tokens
    refused           rows that give no example, or that the chat template refuses
    fixable           rejected rows that a fix solves
    turn_flags        weights and flags of turns that are not obeyed
    equal_pairs       pairs with equal answers
    leakage           rows that are also held out
    secrets           possible secrets and personal data
    truncation        rows longer than the maximum length
    duplicates        rows that equal an earlier one
    near_duplicates   rows that are nearly equal to an earlier one
    length_bias       pairs where length gives the chosen answer away
    answers           answers that are empty, one word, boilerplate, or all the same
    balance           labels that are too rare or too frequent
    markers           markers of chat templates within the text
    untrimmed         answers that begin with white space
    broken_text       the wrong encoding, and HTML
    languages         answers in several languages

How to add one:

1. Add a file here with one subclass of ``Check``; its ``order`` places its findings among those of equal severity.
2. Collect what is needed in ``see(seen)``, one example at a time, in about two microseconds. Set ``prefilter`` to an
   expression that matches every text in which it finds something: most examples that match none are never shown to
   it. A slower check sets ``is_expensive`` and sees every example of a sample.
3. Return each ``Finding`` from ``findings(evidence)``: severity, sentence, rows, a ``code`` of its own, and a ``fix``
   if one click solves it safely.
4. Add ``tests/data/checks/test_NAME.py``.

The report, the page and the command line then show its findings.
"""

import sys

from finetune.data.checks.check import Check, Evidence, Finding, Seen, Summary
from finetune.registry import discover

CHECKS: tuple[type[Check], ...] = tuple(discover(sys.modules[__name__], Check))

__all__ = ["CHECKS", "Check", "Evidence", "Finding", "Summary", "Seen"]
