"""What was found in the data, in words and figures: the answer to "is this what I meant to give it?".

Each row's way is shown from the file to the training, and what can be mended safely has a button.
"""

import tempfile
from html import escape
from pathlib import Path

from finetune import format
from finetune.data.checks import Finding
from finetune.data.dataset import Dataset
from finetune.data.fixes import Fix
from finetune.data.report import Report
from finetune.data.settings import DataSettings
from finetune.data.table import Table
from finetune.data.tokens import NoTemplateError
from finetune.errors import FinetuneError
from finetune.runs.run import slug
from finetune.ui import views
from finetune.ui.data.desk import Checked
from finetune.ui.data.histogram import histogram
from finetune.ui.data.mapping import DETECT

NOUNS = {
    "chat": ("conversation",),
    "preference": ("pair of answers", "pairs of answers"),
    "rated": ("rated answer",),
    "text": ("text",),
}


def found(name: str, checked: Checked, length: int, settings: DataSettings, held_out: str) -> str:
    """What was found in the file called ``name``: how many of what, how it was read, and what to know of its rows.

    ``settings`` are those it was read with; ``held_out`` says, as a sentence, which rows are kept for checking.
    """
    dataset, report = checked.dataset, checked.report
    noun = NOUNS.get(dataset.kind, ("row",))
    added = f" and {format.amount(checked.mixture.rows)} mixed in" if checked.mixture.rows else ""
    headline = (
        f"{format.counted(report.kept, *noun)}{added}, ready to train"
        if report.kept
        else "Nothing here can be trained on"
    )
    parts = [
        f"<h3>{escape(headline)}</h3>",
        f"<p class='figures'>{_figures(report, length)}</p>",
        f"<p class='small'>“{escape(name)}” is read as <b>{escape(dataset.title)}</b>{escape(_why(dataset, settings))} "
        f"{escape(held_out)}</p>",
        *(views.small(note) for note in (checked.note, *dataset.notes)),
        _fixes(settings.fixes),
        _findings(report),
        _rejected(report, dataset.table),
        _more(report, length),
    ]
    return "".join(parts)


def _why(dataset: Dataset, settings: DataSettings) -> str:
    """Why the rows are taken for what they are, and how sure that is; never quite, unless a person said it."""
    if settings.format != DETECT:
        return ", as you chose."
    return f" ({min(99, int(100 * dataset.confidence))}\u00a0% sure). {dataset.reason}"


def offer(error: FinetuneError) -> str:
    """The button that mends what ``error`` says, if there is one: other letters, or ChatML."""
    encoding = getattr(error, "encoding", "")
    if encoding:
        return (
            f"<section class='offer'><h4>Read as {escape(encoding)}, it begins so</h4>"
            f"<pre>{escape(error.preview)}</pre>"
            f"{_button(f'encoding:{encoding}', f'Read it as {encoding}')}</section>"
        )
    if isinstance(error, NoTemplateError):
        return _button("template:chatml", "Write conversations as ChatML")
    return ""


def rejected_file(name: str, report: Report) -> str:
    """The path of a new CSV file of the rows that were left out, each with its reason."""
    path = Path(tempfile.mkdtemp()) / f"{slug(name)}-left-out.csv"
    # Excel takes a CSV for UTF-8 only with a mark in front.
    path.write_text(report.rejected_csv(), encoding="utf-8-sig", newline="")
    return str(path)


def _figures(report: Report, length: int) -> str:
    about = "about " if report.sampled_from else ""
    figures = [
        f"{format.amount(report.kept)} kept",
        f"{format.amount(len(report.rejected))} rejected",
        f"{format.amount(len(report.truncated))} cut at {format.amount(length)} tokens",
        f"{about}{format.amount(report.counts.tokens)} tokens, {format.amount(report.counts.trained)} learnt",
    ]
    if report.nothing_to_train_on:
        figures.insert(3, f"{format.amount(len(report.nothing_to_train_on))} with nothing to learn")
    return " <i>·</i> ".join(map(escape, figures))


def _fixes(fixes: tuple[Fix, ...]) -> str:
    """What was changed so far, each with a button that takes it back."""
    if not fixes:
        return ""
    lines = "".join(
        f"<li>{escape(fix.words)} {_button(f'undo:{place}', 'Undo', escape(fix.words))}</li>"
        for place, fix in enumerate(fixes)
    )
    return (
        "<section class='fixes'><h4>What you changed</h4>"
        f"<ul class='notes'>{lines}</ul>{views.small('It is part of the recipe; the file stays as it is.')}</section>"
    )


def _findings(report: Report) -> str:
    lines = "".join(_finding(finding) for finding in report.findings)
    advice = f"<p class='advice'>{escape(report.advice)}</p>" if report.advice else ""
    return (f"<ul class='notes findings'>{lines}</ul>" if lines else "") + advice


def _finding(finding: Finding) -> str:
    button = ""
    if finding.fix:
        button = _button(f"fix:{finding.code}", finding.button or "Mend it", escape(finding.message))
    elif finding.length:
        button = _button(f"length:{finding.length}", finding.button or "Use this length", escape(finding.message))
    return f"<li class='{escape(finding.severity)}'>{escape(finding.message)}{_rows(finding.rows)} {button}</li>"


def _button(pick: str, words: str, about: str = "") -> str:
    label = f" aria-label='{escape(words)}: {about}'" if about else ""
    return f"<button type='button' class='fix' data-pick='{escape(pick)}'{label}>{escape(words)}</button>"


def _rows(rows: tuple[int, ...]) -> str:
    name = "Row" if len(rows) == 1 else "Rows"
    return f" <span class=small>{name} {views.listed(rows)}.</span>" if rows else ""


def _rejected(report: Report, table: Table, most: int = 50) -> str:
    """The rows left out with their reasons; one that could be read and not understood can be corrected."""
    if not report.rejected:
        return ""
    shown, others = report.rejected[:most], len(report.rejected) - most
    there = set(table.numbers)
    lines = "".join(
        f"<li>{escape(row.where.capitalize())}: {escape(row.reason)} "
        f"{_button(f'row:{row.row}', 'Correct it', escape(row.where)) if row.row in there else ''}</li>"
        for row in shown
    )
    more = views.small(f"And {format.amount(others)} more.") if others > 0 else ""
    summary = f"{format.counted(len(report.rejected), 'row')} left out, and why"
    return f"<details><summary>{summary}</summary><ul>{lines}</ul>{more}</details>"


def _more(report: Report, length: int) -> str:
    """The way of the rows and how long they are, folded away."""
    widest = max((stage.count for stage in report.stages), default=0)
    stages = "".join(
        f"<li><span>{escape(stage.words)}</span><b>{format.amount(stage.count)}</b>"
        f"<i style='width:{100 * stage.count / max(widest, 1):.1f}%'></i></li>"
        for stage in report.stages
    )
    charts = histogram(report.token_histogram, "How long the rows are", "tokens", limit=length) + histogram(
        report.turn_histogram, "How many turns they have", "turns"
    )
    return (
        f"<details class='survival'><summary>What became of every row</summary>"
        f"<ol class='stages'>{stages}</ol>{charts}</details>"
    )
