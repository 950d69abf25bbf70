"""The rows of an evaluation, with both answers: biggest wins, biggest losses, random ones; filtered and searched."""

from collections.abc import Sequence
from html import escape
from random import Random

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Row, Scores
from finetune.evaluation.words import value
from finetune.format import counted
from finetune.inference.chat import differences
from finetune.ui import views

SHOWN = 6
LONGEST = 1500
"""Characters of a text that are shown."""
Gained = tuple[Row, float | None]
"""A row, and by how much it got better; None where the metric does not apply to it."""
ORDERS = (
    ("Biggest wins", "wins"),
    ("Biggest losses", "losses"),
    ("Random rows", "random"),
    ("All, in order", "all"),
)
PARTS = (("Held-out rows", "asked"), ("General questions", "general"), ("Training rows", "trained"))


def chosen(
    rows: Sequence[Row], scores: Scores, part: str, order: str, search: str | None
) -> list[tuple[Row, float | None]]:
    """The rows of ``part`` that have ``search`` in them, in ``order``, each with by how much it got better."""
    found = next((each for each in scores.parts if each.name == part), None)
    if found is None:
        return []
    sign = -1 if found.deciding.better == "lower" else 1
    wanted = (search or "").casefold().strip()
    gained = [
        (row, None if gain is None else sign * gain)
        for row in rows
        if row.part == part and _has(row, wanted)
        for gain in [_gain(row, found.main)]
    ]
    if order == "wins":
        return sorted((each for each in gained if (each[1] or 0) > 0), key=lambda each: -each[1])
    if order == "losses":
        return sorted((each for each in gained if (each[1] or 0) < 0), key=lambda each: each[1])
    return Random(7).sample(gained, len(gained)) if order == "random" else gained


def shown(rows: Sequence[Row], scores: Scores, part: str, order: str, search: str | None) -> str:
    """The first ``SHOWN`` of the chosen rows, as HTML."""
    found = chosen(rows, scores, part, order, search)
    if not found:
        return views.small(_none(order, search))
    main = next(each for each in scores.parts if each.name == part).main
    more = f", the first {SHOWN} of them" if len(found) > SHOWN else ""
    articles = "".join(_article(row, gain, main) for row, gain in found[:SHOWN])
    return f"{views.small(f'{counted(len(found))}{more}:')}<div class='answers'>{articles}</div>"


def _none(order: str, search: str | None) -> str:
    if search and search.strip():
        return "No row has this in it."
    return {"wins": "No row got better.", "losses": "No row got worse."}.get(order, "There are no such rows.")


def _has(row: Row, wanted: str) -> bool:
    return any(wanted in text.casefold() for text in (row.question, row.expected, row.base.text, row.tuned.text))


def _gain(row: Row, metric: str) -> float | None:
    base, tuned = row.base.values.get(metric), row.tuned.values.get(metric)
    return None if base is None or tuned is None else tuned - base


def _article(row: Row, gain: float | None, main: str) -> str:
    base, tuned = differences(row.base.text[:LONGEST], row.tuned.text[:LONGEST])
    metric = METRICS[main]

    def of(answered) -> str:
        found = answered.values.get(main)
        return "" if found is None else f" · {metric.title} {value(metric, found)}"

    lines = [
        ("", "Question", escape(row.question[:LONGEST])),
        ("", "Expected", escape(row.expected[:LONGEST])),
        ("base", f"Base{of(row.base)}", _marked(base)),
        ("tuned", f"Tuned{of(row.tuned)}", _marked(tuned)),
    ]
    body = "".join(
        f"<div class='{name}'><dt>{escape(head)}</dt><dd dir='auto'>{text or '<i>nothing</i>'}</dd></div>"
        for name, head, text in lines
        if text or name
    )
    word = "better" if (gain or 0) > 0 else "worse" if (gain or 0) < 0 else "same"
    return f"<article class='scored {word}'><dl>{body}</dl></article>"


def _marked(parts: list[tuple[str, str | None]]) -> str:
    return "".join(f"<mark class='differs'>{escape(text)}</mark>" if sign else escape(text) for text, sign in parts)
