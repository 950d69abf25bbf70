"""Five honest examples for a report: rows that the tuned model wins, and rows on which it fails.

The wins are the first in the order of the rows, so nobody has picked the best ones; the failures are the clearest ones.
"""

from collections.abc import Iterable
from typing import Literal

from finetune.evaluation.scores import Row, Score
from finetune.format import counted
from finetune.settings import Settings

Kind = Literal["better", "worse", "wrong", "alike"]
"""``wrong``: the tuned answer gets the lowest value there is, and the base's is no better."""
MOST, FAILURES = 5, 2
LONGEST = 320
"""Characters of a text in an example."""


class Example(Settings):
    """One row with both answers, and what the main metric says of them."""

    kind: Kind
    row: int
    """Its number among the evaluated rows, from 1."""
    question: str
    expected: str
    base: str
    tuned: str


class Examples(Settings):
    """The examples of a report."""

    shown: tuple[Example, ...]
    note: str
    """How they were chosen and what is missing, in a sentence."""


def examples(rows: Iterable[Row], deciding: Score) -> Examples:
    """Up to five of the evaluated ``rows``, two of them failures if there are as many."""
    found: dict[Kind, list[Row]] = {"better": [], "worse": [], "wrong": [], "alike": []}
    for row in rows:
        if row.part == "asked" and row.question:  # rows of plain text ask nothing and have no answers
            found[kind(row, deciding)].append(row)
    failed = [*sorted(found["worse"], key=lambda row: gain(row, deciding)), *found["wrong"]]
    failures = failed[:FAILURES]
    good = [*found["better"], *found["alike"]][: MOST - len(failures)]
    failures = failed[: MOST - len(good)]
    shown = [_example(row, kind(row, deciding)) for row in (*good, *failures)]
    count = sum(map(len, found.values()))
    return Examples(shown=shown, note=_note(len(failures), len(failed), count) if count else "")


def kind(row: Row, deciding: Score) -> Kind:
    """What the main metric says of the two answers to ``row``."""
    by = gain(row, deciding)
    if by:
        return "better" if by > 0 else "worse"
    return "wrong" if deciding.better == "higher" and row.tuned.values.get(deciding.metric) == 0 else "alike"


def gain(row: Row, deciding: Score) -> float:
    """By how much the tuned answer is better than the base's; 0 where the main metric does not apply."""
    base, tuned = (answered.values.get(deciding.metric) for answered in (row.base, row.tuned))
    if base is None or tuned is None or not deciding.better:
        return 0.0
    return (tuned - base) * (1 if deciding.better == "higher" else -1)


def _note(shown: int, failed: int, count: int) -> str:
    """How the examples were chosen."""
    first = "The good ones are the first in the order of the rows; nobody picked them."
    rows = counted(count, "evaluated row")
    if not failed:
        return f"{first} No failure was found among {rows}."
    if failed == 1:
        return f"{first} One failure was found among {rows}; it is shown."
    return f"{first} {failed:,} failures were found among {rows}; the {shown} clearest are shown."


def _example(row: Row, kind: Kind) -> Example:
    texts = {"question": row.question, "expected": row.expected, "base": row.base.text, "tuned": row.tuned.text}
    return Example(kind=kind, row=row.row + 1, **{name: shortened(text) for name, text in texts.items()})


def shortened(text: str, longest: int = LONGEST) -> str:
    """``text`` without what goes beyond ``longest`` characters."""
    return text if len(text) <= longest else f"{text[:longest].rstrip()} …"
