"""Does the format read every column that a person will miss?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding
from finetune.data.detected import listed
from finetune.data.explanation import Columns, matters
from finetune.data.formats import FORMATS
from finetune.data.formats.contents import sample
from finetune.data.formats.mapping import used

FORM = "Format and columns"
"""Where the page, and ``data.columns`` of a recipe, say what a column is."""


class Unused(Check):
    """Columns with text, lists or objects, or with ratings of the answers, that no part of the format reads."""

    order = 5

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        dataset = evidence.dataset
        if not dataset.unused:
            return
        columns = Columns(dataset.file_columns, sample(dataset.table.rows))
        worths = [
            name for name in columns.worths() if name in dataset.unused and matters(name, FORMATS[dataset.format])
        ]
        if worths:
            message = f"{_listed(worths)} {_worth(len(worths))}"
            yield Finding("warning", message, code="unused-ratings", needs_mapping=True)
        unread = columns.unread(sorted(used(dataset.columns)))
        missed = [name for name in unread if name in dataset.unused and columns.contents[name].is_meaningful]
        missed = [name for name in missed if name not in worths]
        if missed:
            amounts = [f'"{name}" ({_amount(columns, name)})' for name in missed]
            message = f"Not used: {listed(amounts)}. The model does not see what they hold."
            mend = f"If it should, assign them under {FORM} (data.columns)."
            yield Finding("warning", f"{message} {mend}", code="unused-columns", needs_mapping=True)


def _worth(count: int) -> str:
    """What is wrong with so many columns that say what answers are worth, and what to do."""
    they = "says which answers are good, but it is" if count == 1 else "say which answers are good, but they are"
    return (
        f"{they} not used: every answer is trained on as a good one. For a scale, set the threshold from which answers "
        f"are good (data.threshold); else choose rated answers or pairs under {FORM}."
    )


def _listed(names: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"The column {quoted}" if len(names) == 1 else f"The columns {quoted}"


def _amount(columns: Columns, name: str) -> str:
    content = columns.contents[name]
    kind = {"text": "text", "list": "lists", "object": "objects"}[content.kind]
    return f"{kind}, about {content.characters:,} characters a row"
