"""The fields of a JSON answer."""

from collections.abc import Iterator
from typing import Any, ClassVar

from finetune.evaluation.metrics.json_valid import is_json, value_in
from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, mostly, plain


class JsonFields(Metric):
    """The share of fields that are right, of all that the expected answer or this one has."""

    name: ClassVar[str] = "json_fields"
    order: ClassVar[int] = 40
    title: ClassVar[str] = "Fields right"
    plain: ClassVar[str] = "How many of the fields of an answer are right; a field too many counts as a wrong one."
    said: ClassVar[str] = "{tuned} of the fields in its answers are right ({base} before)"

    def fits(self, asked, run):
        return "the expected answers are JSON, and each field counts" if mostly(asked, is_json) else ""

    def value(self, asked, given):
        wanted, found = value_in(answer_of(asked.expected)), value_in(given.text)
        if wanted is None:
            return None
        left, right = dict(leaves(wanted)), dict(leaves(found)) if found is not None else {}
        every = left.keys() | right.keys()
        return sum(path in left and path in right and left[path] == right[path] for path in every) / max(len(every), 1)


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """Each value within ``value`` that holds no others, with the path to it; texts in plain form."""
    if isinstance(value, dict | list) and value:
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, key))
    else:
        yield path, (plain(value) if isinstance(value, str) else repr(value))
