"""What the scores of a run say, as HTML: the verdict first, then the figures, each with its interval."""

from html import escape

from finetune import format
from finetune.evaluation.difference import difference, opinion, outcome
from finetune.evaluation.metrics import METRICS, Metric
from finetune.evaluation.scores import Bounds, Confusion, Part, Score, Scores
from finetune.evaluation.verdict import Verdict, verdict
from finetune.evaluation.words import PARTS, interval, value
from finetune.ui import views

HEADINGS = {
    "asked": "On rows that it was not trained on",
    "general": "General questions, for what it forgot",
    "trained": "On its training rows, for overfitting",
}


def card(scores: Scores) -> str:
    """The verdict in sentences."""
    found = verdict(scores)
    return (
        f"<section class='verdict {found.use}' aria-label='Verdict'><h3>{escape(found.advice)}</h3>"
        f"<p>{escape(found.headline)}</p>{_paragraphs(found)}{_notes(found)}</section>"
    )


def tables(scores: Scores) -> str:
    """Every part with its metrics; what the run was not asked about is folded."""
    main, *others = scores.parts
    folded = "".join(
        f"<details><summary>{escape(HEADINGS[part.name])}</summary>{_part(part)}</details>" for part in others
    )
    judged = f"<p class='opinion'>{escape(opinion(scores.judged))}</p>" if scores.judged else ""
    took = views.small(f"{_rows(main)} · evaluated in {format.duration(scores.seconds)}, {_reason(main)}")
    return f"{_part(main)}{took}{judged}{_confusion(main.confusion)}{folded}"


def overview(found: list[tuple[str, Scores]]) -> str:
    """Several runs side by side: titles and scores; empty for fewer than two."""
    if len(found) < 2:
        return ""
    heads = ("Run", "Metric", "Base", "Tuned", "Knowledge kept", "Verdict")
    rows = [
        (
            title,
            METRICS[scores.asked.main].title,
            value(METRICS[scores.asked.main], scores.asked.deciding.base.value),
            value(METRICS[scores.asked.main], scores.asked.deciding.tuned.value),
            format.percent(scores.kept.share.value) if scores.kept else "not measured",
            verdict(scores).advice,
        )
        for title, scores in found
    ]
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    body = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>{''.join(_cell(*each) for each in zip(heads[1:], row[1:]))}</tr>"
        for row in rows
    )
    return (
        f"<h4>All scored runs</h4><div class='wide' tabindex='0' role='region' aria-label='All scored runs'>"
        f"<table class='runs'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(head: str, text: str) -> str:
    return f"<td data-label='{head}'>{escape(text)}</td>"


def _paragraphs(found: Verdict) -> str:
    return "".join(f"<p>{escape(each)}</p>" for each in (found.kept, found.fitting) if each)


def _notes(found: Verdict) -> str:
    lines = "".join(f"<li>{escape(each)}</li>" for each in found.remarks)
    return f"<ul class='notes'>{lines}</ul>" if lines else ""


def _rows(part: Part) -> str:
    rows = f"{part.rows:,}" if part.rows == part.of else f"{part.rows:,} of {part.of:,}"
    return f"{rows} {PARTS[part.name]} of {part.data}"


def _reason(part: Part) -> str:
    return f"judged by {METRICS[part.main].title} because {part.reason}."


def _part(part: Part) -> str:
    heads = ("Metric", "Base", "Tuned", "Difference", "")
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    ordered = sorted(part.scores, key=lambda score: score.metric != part.main)
    body = "".join(_score(score, score.metric == part.main) for score in ordered)
    label = escape(HEADINGS[part.name])
    return (
        f"<div class='wide' tabindex='0' role='region' aria-label='{label}'><table class='runs scores'>"
        f"<caption>{label}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _score(score: Score, is_main: bool) -> str:
    metric = METRICS[score.metric]
    main = " <span class='best'>decides</span>" if is_main else ""
    return (
        f"<tr><th scope='row'>{escape(metric.title)}{main}<span class='small plain'>{escape(metric.plain)}</span></th>"
        f"<td data-label='Base'>{_value(metric, score.base)}</td>"
        f"<td data-label='Tuned'>{_value(metric, score.tuned)}</td>"
        f"<td data-label='Difference'>{_difference(score)}</td>"
        f"<td class='{score.outcome if score.better else 'unclear'}' data-label='Outcome'>{outcome(score)}</td></tr>"
    )


def _value(metric: Metric, bounds: Bounds) -> str:
    """A value with its interval, and a bar where it is a share."""
    shown = f"<b>{value(metric, bounds.value)}</b> <span class='small'>({interval(metric, bounds)})</span>"
    if metric.unit != "share":
        return shown
    low, high, at = (f"{100 * each:.1f}%" for each in (bounds.low, bounds.high - bounds.low, bounds.value))
    marks = f"<i class='range' style='left:{low};width:{high}'></i><i class='at' style='left:{at}'></i>"
    return f"{shown}<span class='scale' aria-hidden='true'>{marks}</span>"


def _difference(score: Score) -> str:
    """The difference, its interval in small print."""
    if score.difference.low == score.difference.high == 0:
        return "none"
    at, _, interval = difference(score).partition(" (")
    return f"{at} <span class='small'>({interval}</span>"


def _confusion(found: Confusion | None) -> str:
    """Which label was given for which, of both models; empty without labels."""
    if found is None:
        return ""
    shown = "".join(
        _matrix(name, found.labels, counts) for name, counts in (("Base", found.base), ("Tuned", found.tuned))
    )
    return f"<details><summary>Confusion matrix: which label was given for which</summary>{shown}</details>"


def _matrix(name: str, labels: tuple[str, ...], counts: tuple[tuple[int, ...], ...]) -> str:
    columns = (*labels, "another answer")
    head = "".join(f"<th scope='col' dir='auto'>{escape(each)}</th>" for each in columns)
    body = "".join(
        f"<tr><th scope='row' dir='auto'>{escape(label)}</th>"
        + "".join(
            f"<td class='{'hit' if n == m else ''}' data-label='{escape(columns[m])}'>{count}</td>"
            for m, count in enumerate(row)
        )
        + "</tr>"
        for n, (label, row) in enumerate(zip(labels, counts))
    )
    return (
        f"<div class='wide' tabindex='0' role='region' aria-label='Confusion matrix of {name.lower()}'>"
        f"<table class='runs confusion'><caption>{name}: a row for each expected label, a column for each given one"
        "</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
