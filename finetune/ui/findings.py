"""What was found in a data file, in words and figures: the answer to "is this what I meant to give it?"."""

from html import escape

from finetune.data.report import Report
from finetune.ui import views
from finetune.ui.studio import Checked

NOUNS = {"chat": ("conversation",), "preference": ("pair of answers", "pairs of answers"), "text": ("text",)}


def found(name: str, checked: Checked, length: int, held_out: str) -> str:
    """What was found in the file called ``name``: how many of what, how it was read, and what to know of its rows.

    ``held_out`` says, as a sentence, which rows are kept for checking.
    """
    dataset, report = checked.dataset, checked.report
    noun = NOUNS.get(dataset.kind, ("row", "rows"))
    headline = (
        f"{views.counted(report.kept, *noun)}, ready to train" if report.kept else "Nothing here can be trained on"
    )
    figures = [
        f"{views.amount(report.kept)} kept",
        f"{views.amount(len(report.rejected))} rejected",
        f"{views.amount(len(report.truncated))} cut at {views.amount(length)} tokens",
        f"{views.amount(report.tokens)} tokens, {views.amount(report.trained_tokens)} learnt",
    ]
    if report.nothing_to_learn:
        figures.insert(3, f"{views.amount(len(report.nothing_to_learn))} with nothing to learn")
    parts = [
        f"<h3>{escape(headline)}</h3>",
        f"<p class='figures'>{' <i>·</i> '.join(map(escape, figures))}</p>",
        views.small(f"“{name}” is read as {dataset.title}. {dataset.reason} {held_out}"),
        views.small(checked.note),
        _findings(report),
        _rejected(report),
    ]
    return "".join(parts)


def _findings(report: Report) -> str:
    lines = "".join(
        f"<li class='{escape(finding.severity)}'>{escape(finding.message)}{_rows(finding.rows)}</li>"
        for finding in report.findings
    )
    advice = f"<p class='advice'>{escape(report.advice)}</p>" if report.advice else ""
    return (f"<ul class='notes'>{lines}</ul>" if lines else "") + advice


def _rejected(report: Report, most: int = 50) -> str:
    if not report.rejected:
        return ""
    lines = "".join(f"<li>Row {views.amount(row.row)}: {escape(row.reason)}</li>" for row in report.rejected[:most])
    more = views.small(f"And {views.amount(len(report.rejected) - most)} more.") if len(report.rejected) > most else ""
    summary = f"{views.counted(len(report.rejected), 'row')} could not be used"
    return f"<details><summary>{summary}</summary><ul>{lines}</ul>{more}</details>"


def _rows(rows: tuple[int, ...]) -> str:
    name = "Row" if len(rows) == 1 else "Rows"
    return f" <span class=small>{name} {views.listed(rows)}.</span>" if rows else ""
