"""The summary of a data check in words and figures: does the model get what the person meant to give it?

It follows every row from the file to the training, and a problem that has a safe fix has a button.
"""

from html import escape
from pathlib import Path

from finetune import format
from finetune.data.checks import Finding
from finetune.data.detected import Detected, listed
from finetune.data.fixes import FIXES, Fix
from finetune.data.kinds import KINDS
from finetune.data.readers.archive import ChoiceError
from finetune.data.readers.encoding import EncodingError
from finetune.data.readers.encoding_names import TITLES
from finetune.data.readers.guess import Guess
from finetune.data.report import Report
from finetune.data.settings import DataSettings
from finetune.data.table import Table
from finetune.data.templates import NoTemplateError
from finetune.errors import FinetuneError
from finetune.runs.numbering import slug
from finetune.ui import views
from finetune.ui.data.desk import Checked
from finetune.ui.data.histogram import figure
from finetune.ui.data.mapping import DETECT


def summary(name: str, checked: Checked, length: int, settings: DataSettings, held_out: str) -> str:
    """What the file called ``name`` contains: how many rows of which kind, how it was read, and what was found in it.

    ``settings`` are those it was read with; ``held_out`` says, as a sentence, which rows are held out.
    """
    dataset, report, kind = checked.dataset, checked.report, KINDS[checked.dataset.kind]
    added = f" and {format.amount(checked.mixture.rows)} mixed in" if checked.mixture.rows else ""
    ready = "if you confirm" if dataset.detected.doubt(settings.format) else "ready to train"
    headline = (
        f"{format.counted(report.kept, kind.noun, kind.plural)}{added}, {ready}"
        if report.kept
        else "Nothing here can be trained on"
    )
    question = _question(dataset.detected, settings) if report.kept else ""
    parts = [
        f"<h3>{escape(headline)}</h3>",
        f"<p class='figures'>{_figures(report, length)}</p>",
        f"<p class='small'>“{escape(name)}”: {_detected(dataset.detected, settings)} {escape(held_out)}</p>",
        _columns(dataset.detected),
        *(views.small(note) for note in (checked.note, *dataset.notes)),
        _fixes(settings.fixes),
        _cutting(settings),
        _findings(report),
        _rejected(report, dataset.table),
        _stages(report, length),
        question,
    ]
    return "".join(parts)


def _detected(detected: Detected, settings: DataSettings) -> str:
    """The format, why it was detected, and with which confidence."""
    title = f"<b>{escape(detected.title)}</b>"
    if settings.format != DETECT:
        return f"read as {title}, as you chose."
    return f"detected as {title} ({detected.percent}\u00a0% confidence). {escape(detected.reason)}"


def _columns(detected: Detected) -> str:
    """Every column accounted for: which field reads it, or that none does."""
    used = ", ".join(f"{field} = “{column}”" for field, column in detected.columns.items())
    unused = f" <b>Not used:</b> {escape(listed(detected.unused))}." if detected.unused else ""
    return f"<p class='small columns'>Columns: {escape(used)}.{unused}</p>"


def _question(detected: Detected, settings: DataSettings) -> str:
    """Whether this is what the person means, with a button to say so; empty if that is certain."""
    if not detected.doubt(settings.format):
        return ""
    return (
        "<section class='offer question'><h4>Is this what you mean?</h4>"
        "<p>The example below shows how the rows are read. If it is right, confirm it; else choose another format or "
        "other columns under “Format and columns”. Nothing is trained before.</p>"
        f"{views.pick_button(f'format:{detected.format}', 'Yes, train on rows like this')}</section>"
    )


def suggestion(error: FinetuneError) -> str:
    """The buttons that fix ``error``, if there are any: other encodings, another sheet or file, a fix, or ChatML."""
    if isinstance(error, EncodingError):
        return "".join(map(_encoding_offer, error.guesses))
    if isinstance(error, ChoiceError):
        return "".join(views.pick_button(f"sheet:{name}", f"Read {name}") for name in error.choices)
    if fix := FIXES.get(getattr(error, "fix", "")):
        return views.pick_button(f"offer:{error.fix}", fix.button)
    if isinstance(error, NoTemplateError):
        return views.pick_button("template:chatml", "Use ChatML as the chat template")
    return ""


def _encoding_offer(guess: Guess) -> str:
    encoding = escape(TITLES[guess.encoding])
    return (
        f"<section class='offer'><h4>The text is like this in {encoding}</h4><pre>{escape(guess.preview)}</pre>"
        f"{views.pick_button(f'encoding:{guess.encoding}', f'Read it as {guess.encoding}')}</section>"
    )


def rejected_file(folder: Path, name: str, report: Report) -> str:
    """The path of a new CSV file in ``folder`` of the rejected rows, each with its reason."""
    path = folder / f"{slug(name)}-rejected.csv"
    # Excel reads a CSV as UTF-8 only with a byte order mark.
    path.write_bytes(report.rejected_csv())
    return str(path)


def _figures(report: Report, length: int) -> str:
    about = "about " if report.sampled_from else ""
    trained = f", {format.amount(report.counts.trained)} trained" if report.counts.trained else ""
    figures = [
        f"{format.amount(report.kept)} kept",
        f"{format.amount(len(report.rejected))} rejected",
        f"{format.amount(len(report.truncated))} truncated at {format.amount(length)} tokens",
        f"{about}{format.amount(report.counts.tokens)} tokens{trained}",
    ]
    if report.nothing_to_train_on:
        figures.insert(3, f"{format.amount(len(report.nothing_to_train_on))} without trained tokens")
    return " <i>·</i> ".join(map(escape, figures))


def _fixes(fixes: tuple[Fix, ...]) -> str:
    """The fixes so far, each with a button that undoes it."""
    if not fixes:
        return ""
    lines = "".join(
        f"<li>{escape(fix.words)} {views.pick_button(f'undo:{place}', 'Undo', f'Undo: {fix.words}')}</li>"
        for place, fix in enumerate(fixes)
    )
    note = views.small("Fixes are part of the recipe; the file stays as it is.")
    return f"<section class='fixes'><h4>Your fixes</h4><ul class='notes'>{lines}</ul>{note}</section>"


def _cutting(settings: DataSettings) -> str:
    """That long texts are cut, with the button that undoes it."""
    if not settings.split_long:
        return ""
    words = "Long texts are cut into pieces of the maximum length, where a paragraph or a sentence ends."
    return f"<p class='small'>{words} {views.pick_button('whole:', 'Undo', f'Undo: {words}')}</p>"


def _findings(report: Report) -> str:
    lines = "".join(_finding(finding) for finding in report.findings)
    advice = f"<p class='advice'>{escape(report.advice)}</p>" if report.advice else ""
    return (f"<ul class='notes findings'>{lines}</ul>" if lines else "") + advice


def _finding(finding: Finding) -> str:
    button = ""
    if finding.fix:
        button = _about(f"fix:{finding.code}", finding.button or "Fix it", finding.message)
    elif finding.change:
        button = _about(f"set:{finding.code}", finding.button, finding.message)
    elif finding.length:
        button = _about(f"length:{finding.length}", finding.button or "Use this length", finding.message)
    elif finding.needs_mapping:
        button = _about("mapping:", "Assign columns", finding.message)
    return f"<li class='{escape(finding.severity)}'>{escape(finding.message)}{_rows(finding.rows)} {button}</li>"


def _about(pick: str, words: str, about: str) -> str:
    return views.pick_button(pick, words, f"{words}: {about}")


def _rows(rows: tuple[int, ...]) -> str:
    name = "Row" if len(rows) == 1 else "Rows"
    return f" <span class=small>{name} {views.listed(rows)}.</span>" if rows else ""


def _rejected(report: Report, table: Table, most: int = 50) -> str:
    """The rejected rows with their reasons; a row that is in the table can be corrected."""
    if not report.rejected:
        return ""
    listed, others = report.rejected[:most], len(report.rejected) - most
    numbers = set(table.numbers)
    lines = "".join(
        f"<li>{escape(row.where.capitalize())}: {escape(row.reason)} "
        f"{_about(f'row:{row.row}', 'Correct it', row.where) if row.row in numbers else ''}</li>"
        for row in listed
    )
    more = views.small(f"And {format.amount(others)} more.") if others > 0 else ""
    heading = f"{format.counted(len(report.rejected), 'rejected row')}, and why"
    return f"<details><summary>{heading}</summary><ul>{lines}</ul>{more}</details>"


def _stages(report: Report, length: int) -> str:
    """How many rows each stage keeps, and how long they are, folded away."""
    widest = max((stage.count for stage in report.stages), default=0)
    stages = "".join(
        f"<li><span>{escape(stage.words)}</span><b>{format.amount(stage.count)}</b>"
        f"<i style='width:{100 * stage.count / max(widest, 1):.1f}%'></i></li>"
        for stage in report.stages
    )
    charts = figure(report.token_histogram, "Tokens per row", "tokens", limit=length)
    charts += figure(report.turn_histogram, "Turns per row", "turns")
    return (
        f"<details class='survival'><summary>From the file to the training: rows at each stage</summary>"
        f"<ol class='stages'>{stages}</ol>{charts}</details>"
    )
