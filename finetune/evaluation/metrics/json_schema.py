"""The form of a JSON answer."""

from typing import Any, ClassVar

from finetune.evaluation.metrics.json_valid import is_json, value_in
from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, mostly

NUMBERS = (int, float)


class JsonSchema(Metric):
    """1 if the answer has the fields of the expected one, each of the same type, else 0."""

    name: ClassVar[str] = "json_schema"
    order: ClassVar[int] = 120
    title: ClassVar[str] = "JSON schema"
    plain: ClassVar[str] = "How often the answer has exactly the expected fields, whatever is in them."
    said: ClassVar[str] = "{tuned} of its answers have exactly the expected fields ({base} before)"

    def fits(self, asked, run):
        return "the expected answers are JSON" if mostly(asked, is_json) else ""

    def value(self, asked, given):
        wanted = value_in(answer_of(asked.expected))
        return None if wanted is None else float(form(value_in(given.text)) == form(wanted))


def form(value: Any) -> Any:
    """The fields and types of ``value``; of a list, the different forms in it."""
    if isinstance(value, dict):
        return {key: form(each) for key, each in value.items()}
    if isinstance(value, list):
        return ["list", *sorted({repr(form(each)) for each in value})]
    return "number" if isinstance(value, NUMBERS) and not isinstance(value, bool) else type(value).__name__
