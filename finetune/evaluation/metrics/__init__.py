"""Metrics: how an answer is compared with the expected one, one file each, found by being there.

metric          the base class: everything the program has to know of a metric
words           texts as metrics read them: words, plain forms, no thinking

reward          what the recipe's rewards give
pair_accuracy   which of two given answers is likelier
label           one of a few labels
json_fields     the fields of a JSON answer
json_schema     the form of a JSON answer
json_valid      JSON at all
number          the number at the end
exact_match     the whole answer
contains        the words that decide
token_f1        words in common
chrf            characters in common
loss            how likely the expected answer is
truncated       answers that do not end
repetition      answers that go in circles
length          tokens

How to add one:

1. A file here with a subclass of ``Metric``: its name, its words, ``fits`` and ``value``.
2. ``python -m tests.docs --write`` for the table in the README.
"""

import sys

from finetune.evaluation.metrics.metric import Asked, Given, Metric
from finetune.registry import discover

METRICS: dict[str, Metric] = {cls.name: cls() for cls in discover(sys.modules[__name__], Metric)}
"""By name, the one that decides first where it fits first."""

__all__ = ["METRICS", "Asked", "Given", "Metric"]
