"""The report of a run as one HTML page: no scripts, nothing from another host, two sheets of A4 in print.

Words come first and figures second. Whatever came from a person, a file or a model is escaped text, and its direction
is its own (``dir=auto``).
"""

import os
import time
from html import escape
from pathlib import Path

from finetune.evaluation.cost import Cost
from finetune.evaluation.difference import difference, outcome
from finetune.evaluation.examples import Example
from finetune.evaluation.interval_chart import chart
from finetune.evaluation.metrics import METRICS
from finetune.evaluation.report import Report, to_json
from finetune.evaluation.scores import Score
from finetune.evaluation.words import value
from finetune.format import amount, counted, duration
from finetune.paths import ASSETS
from finetune.runs.run import Run

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the page may load: nothing."""
KINDS = {
    "better": ("Better than the base", "better"),
    "worse": ("Worse than the base", "worse"),
    "wrong": ("Still wrong", "worse"),
    "alike": ("No different", ""),
}
PARTS = {"asked": "", "general": ", general questions", "trained": ", training rows"}
Sections = list[tuple[str, str]]


def page(report: Report) -> str:
    """The whole page."""
    sections = "".join(f"<section><h2>{title}</h2>{body}</section>" for title, body in _sections(report) if body)
    return _document(f"{report.name} · report", f"{_head(report)}{sections}")


def empty_page(sentence: str) -> str:
    """A page that says one sentence."""
    return _document("Report", f"<p>{escape(sentence)}</p>")


def _document(title: str, body: str) -> str:
    style = (ASSETS / "report.css").read_text(encoding="utf-8")
    text = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='robots' content='noindex'>"
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair cannot be sent


def write(report: Report, to: Path) -> tuple[Path, Path]:
    """The files of ``report``: the page at ``to``, and the facts beside it; both whole or as they were before."""
    to = Path(to)
    found = to, to.with_suffix(".json")
    to.parent.mkdir(parents=True, exist_ok=True)
    for path, text in zip(found, (page(report), to_json(report))):
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            unfinished.write_text(text, encoding="utf-8", errors="replace")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return found


def _head(report: Report) -> str:
    made = date(report.ended_at or report.at)
    advice = f"<p class='advice' dir='auto'>{escape(report.advice)}</p>" if report.advice else ""
    return (
        f"<header><p class='kicker'>Finetune Studio · report on run {Run(Path(report.run)).number} · {made}</p>"
        f"<h1 dir='auto'>{escape(report.name)}</h1>"
        f"{advice}<p class='verdict' dir='auto'>{escape(report.verdict)}</p></header>"
    )


def _sections(report: Report) -> Sections:
    return [
        ("Still missing", _list(report.missing)),
        ("What was taught", _taught(report)),
        ("Before and after", _before_and_after(report)),
        (
            "What it kept, and what it repeats" if report.scores else "How the training went",
            _paragraphs(report.kept, *report.fitting, *report.remarks),
        ),
        ("What people and judges say", _paragraphs(*report.opinions)),
        ("Five examples" if len(report.examples.shown) == 5 else "Examples", _examples(report)),
        ("Limits and risks", _list(report.limits)),
        ("Data and training", _pair(_data(report), _trained(report))),
        ("What it cost", _cost(report.cost)),
        ("How to use it", _code(report.usage) if report.usage else ""),
        ("How to repeat it", _pair(_code(report.recipe), _made_of(report))),
    ]


def date(seconds: float) -> str:
    """A day as ``30 November 2026``."""
    then = time.localtime(seconds)
    return f"{then.tm_mday} {time.strftime('%B %Y', then)}"


def _before_and_after(report: Report) -> str:
    if report.scores is None:
        return ""
    main = report.scores.asked.deciding
    why = (
        f"{METRICS[main.metric].title} decides because {report.scores.asked.reason}."
        if report.scores.asked.reason
        else ""
    )
    others = [("asked", score) for score in report.scores.asked.scores if score.metric != main.metric]
    others += [(part.name, part.deciding) for part in report.scores.parts if part.name != "asked"]
    return f"{chart(main)}{_paragraphs(report.before_and_after)}<p class='small'>{escape(why)}</p>{_table(others)}"


def _table(scores: list[tuple[str, Score]]) -> str:
    if not scores:
        return ""
    head = "".join(
        f"<th scope='col'>{name}</th>" for name in ("Also measured", "Base", "Tuned", "Difference", "Tuned is")
    )
    rows = "".join(_row(part, score) for part, score in scores)
    return (
        "<div class='table' tabindex='0' role='region' aria-label='Other metrics'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(part: str, score: Score) -> str:
    metric, style = METRICS[score.metric], score.outcome if score.outcome != "unclear" else ""
    cells = [value(metric, score.base.value), value(metric, score.tuned.value), difference(score)]
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    name = f"<th scope='row'>{escape(metric.title)}{PARTS[part]}</th>"
    return f"<tr>{name}{numbers}<td class='{style}'>{outcome(score) or '–'}</td></tr>"


def _taught(report: Report) -> str:
    taught, data = report.taught, report.data
    held_out = f" {counted(data.held_out_rows, 'row')} more were held out, to judge by." if data.held_out_rows else ""
    lead = f"It learned from {counted(data.train_rows, 'row')} of {', '.join(data.files)}.{held_out}"
    words = _paragraphs(f"{lead if data.train_rows else ''} {report.trained.plain}".strip())
    if not taught.answer:
        return words
    asked = f"<p dir='auto'>{escape(taught.question)}</p>" if taught.question else ""
    said = "One row of the data, with its answer:" if taught.question else "The beginning of one text:"
    answer = f"<p dir='auto'><strong>{escape(taught.answer)}</strong></p>"
    return f"{words}<p class='small'>{said}</p><blockquote>{asked}{answer}</blockquote>"


def _examples(report: Report) -> str:
    shown = "".join(map(_example, report.examples.shown))
    return f"{shown}<p class='note'>{escape(report.examples.note)}</p>" if shown else ""


def _example(example: Example) -> str:
    words, style = KINDS[example.kind]
    answers = [("Expected", example.expected), ("Base", example.base), ("Tuned", example.tuned)]
    lines = "".join(
        f"<dt>{name}</dt><dd dir='auto'>{escape(text) if text else '<i>nothing</i>'}</dd>"
        for name, text in answers
        if text or name != "Expected"
    )
    return (
        f"<div class='example'><p class='kind {style}'>{words} <span class='small'>row {example.row:,}</span></p>"
        f"<p class='text' dir='auto'>{escape(example.question)}</p><dl class='answers'>{lines}</dl></div>"
    )


def _data(report: Report) -> str:
    data = report.data
    given = [
        ("Data", ", ".join(data.files)),
        ("Training rows", amount(data.train_rows)),
        ("Held-out rows", amount(data.held_out_rows)),
        ("Trained tokens", f"{amount(data.trained_tokens)} per epoch"),
    ]
    return f"{_facts(given)}{_list(data.notes)}"


def _trained(report: Report) -> str:
    made = report.trained
    share = 100 * made.trainable / max(made.parameters, 1)
    given = [
        ("Base", f"{made.base}{f', revision {made.revision[:12]}' if made.revision else ''}"),
        ("Method", made.method),
        ("Adapter", made.adapter),
        ("Trainable", f"{share:.3g} % of {amount(made.parameters)} parameters" if made.parameters else ""),
        ("Steps", f"{amount(made.steps)} in {made.epochs:.3g} epochs" if made.epochs else amount(made.steps)),
        ("Machine", made.device),
    ]
    return _facts(given)


def _cost(cost: Cost) -> str:
    whole = f", {duration(cost.total_s)} with loading and saving" if cost.total_s is not None else ""
    given = [
        ("Training time", f"{duration(cost.training_s)}{whole}"),
        ("Energy", "not measured: this machine does not tell its power" if cost.energy_kwh is None else energy(cost)),
        ("Money", "no price given" if cost.money is None else f"{money(cost.money)} at {money(cost.price)} an hour"),
    ]
    return _facts(given)


def energy(cost: Cost) -> str:
    """The energy in watt-hours, or kilowatt-hours where that is shorter."""
    return f"{cost.energy_kwh * 1000:.3g} Wh" if cost.energy_kwh < 1 else f"{cost.energy_kwh:,.3g} kWh"


def money(euros: float) -> str:
    """Euros and cents; small sums with two figures."""
    return f"{euros:,.2f} €" if euros >= 0.1 or euros == 0 else f"{euros:.2g} €"


def _made_of(report: Report) -> str:
    given = [*report.versions.items(), *((f"{name} (SHA-256)", digest) for name, digest in report.fingerprints.items())]
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd class='{'hash' if len(text) > 20 else ''}'>{escape(text)}</dd>"
        for name, text in given
    )
    revision = report.trained.revision
    rows += f"<dt>base revision</dt><dd class='hash'>{escape(revision)}</dd>" if revision else ""
    return f"<dl class='facts'>{rows}<dt>run</dt><dd>{escape(report.run)}</dd></dl>"


def _facts(given: list[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{name}</dt><dd dir='auto'>{escape(text)}</dd>" for name, text in given if text)
    return f"<dl class='facts'>{lines}</dl>"


def _pair(*parts: str) -> str:
    return f"<div class='pair'>{''.join(f'<div>{part}</div>' for part in parts)}</div>"


def _code(text: str) -> str:
    return f"<pre dir='ltr'>{escape(text)}</pre>"


def _paragraphs(*texts: str) -> str:
    return "".join(f"<p dir='auto'>{escape(text)}</p>" for text in texts if text)


def _list(texts: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li dir=auto>{escape(text)}</li>' for text in texts)}</ul>" if texts else ""
