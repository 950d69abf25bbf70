"""What a judge said of a run's answers: the newest judgements, each with question, answer and points."""

import json
from html import escape

from finetune.format import amount, counted
from finetune.runs.run import Run
from finetune.ui.views import small

LAST = 8
"""Judgements on the page."""
NEWEST_BYTES = 200_000
"""Of the file that are read: judgements on the page are its end."""


def shown(run: Run) -> str:
    """The newest judgements of ``run`` as a list; empty if it had no judge."""
    if not run.judgements.is_file():
        return ""
    with run.judgements.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - NEWEST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    found = [each for each in map(_read, lines[-LAST:]) if each]
    items = "".join(map(_item, reversed(found)))
    note = f"The judge's newest {counted(len(found), 'judgement')}; all of them are in {run.judgements.name}."
    return f"<h4>Judgements</h4>{small(note)}<ul class='judgements'>{items}</ul>"


def _read(line: str) -> dict | None:
    """A judgement; None for a line that is cut or not yet whole."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "question" in found else None


def _item(judgement: dict) -> str:
    points = judgement.get("points")
    earned = "no points" if points is None else f"{amount(round(10 * points))} of 10"
    question, answer = escape(str(judgement["question"])), escape(str(judgement.get("answer", "")))
    return f"<li><b>{earned}</b> <span class='small'>{question}</span><br>{answer}</li>"
