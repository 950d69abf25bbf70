"""The difference between base and tuned in words, with what chance could make of it."""

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Judged, Score
from finetune.evaluation.words import interval, value
from finetune.format import amount, counted


def difference(score: Score) -> str:
    """A difference with its interval: ``+72 points (+60 to +84)``; percentages differ in points."""
    unit, changed = METRICS[score.metric].unit, score.difference
    scale, name = (100, "points") if unit == "share" else (1, "" if unit == "number" else unit)
    digits = 0 if unit == "share" else 1 if unit == "tokens" else 2
    figure, low, high = (_signed(each * scale, digits) for each in (changed.value, changed.low, changed.high))
    return f"{figure}{name and f' {name}'} ({low} to {high})"


def outcome(score: Score) -> str:
    """What the tuned model is by ``score``, in words; empty where neither direction is better."""
    if not score.better:
        return ""
    if score.difference.low == score.difference.high == 0:
        return "the same"
    return {"better": "better", "worse": "worse", "unclear": "no clear difference"}[score.outcome]


def before_and_after(score: Score) -> str:
    """Both values with their intervals, and the difference, in sentences."""
    metric = METRICS[score.metric]
    base, tuned = (f"{value(metric, each.value)} ({interval(metric, each)})" for each in (score.base, score.tuned))
    return (
        f"{metric.title}: {base} before, {tuned} after. The difference is {difference(score)}. In parentheses are 95 % "
        "intervals."
    )


def opinion(found: Judged) -> str:
    """What a judge said."""
    return (
        f"A judge, {found.judge}, preferred tuned on {amount(found.wins)} of {counted(found.rows, 'row')} and base on "
        f"{amount(found.losses)}. {amount(found.undecided)} stayed undecided; on {amount(found.contradicted)} it chose "
        "by the order alone. A judge is an opinion, not a measurement."
    )


def _signed(figure: float, digits: int) -> str:
    """``figure`` with its sign, a true minus; nothing has none."""
    text = f"{figure:+,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else "0"
