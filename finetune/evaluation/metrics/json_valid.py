"""JSON at all."""

from typing import Any, ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, mostly
from finetune.rewards.json_form import json_in


class JsonValid(Metric):
    """1 if the answer is JSON, alone or in one code fence, else 0."""

    name: ClassVar[str] = "json_valid"
    order: ClassVar[int] = 130
    title: ClassVar[str] = "Valid JSON"
    plain: ClassVar[str] = "How often a program can read the answer."
    said: ClassVar[str] = "a program can read {tuned} of its answers ({base} before)"

    def fits(self, asked, run):
        return "the expected answers are JSON" if mostly(asked, is_json) else ""

    def value(self, asked, given):
        return float(value_in(given.text) is not None)


def value_in(text: str) -> dict | list | None:
    """The JSON object or array that ``text`` is; None if it is none."""
    found: Any = (json_in(text) or (None,))[0]
    return found if isinstance(found, dict | list) else None


def is_json(text: str) -> bool:
    """True if ``text`` is a JSON object or array."""
    return value_in(answer_of(text)) is not None
