"""One part of an evaluation: rows, both models' values by every metric that fits, and what chance could explain."""

from collections.abc import Sequence

from finetune.evaluation.metrics import METRICS, Asked, Given, Metric
from finetune.evaluation.metrics.label import labels
from finetune.evaluation.metrics.words import answer_of, plain
from finetune.evaluation.scores import Bounds, Confusion, Part, PartName, Score
from finetune.evaluation.statistics import Interval, holm, mean_interval, paired_test
from finetune.runs.run import Run

OF_KNOWLEDGE = ("contains", "truncated", "repetition", "length")
"""The metrics of general questions."""
Both = tuple[Given, Given]
"""What base and tuned gave for one row."""


def part_of(name: PartName, data: str, asked: Sequence[Asked], given: Sequence[Both], of: int, run: Run) -> Part | None:
    """The part ``name`` with every metric that fits its rows; None if none does.

    The rows choose the main metric before any value is known, so it is tested alone; the p-values of the others, which
    are read at once, are adjusted together.
    """
    chosen = {name: reason for name, metric in METRICS.items() if (reason := metric.fits(asked, run))}
    if name == "general":  # every other metric takes another voice for lost knowledge
        chosen = {name: reason for name, reason in chosen.items() if name in OF_KNOWLEDGE}
    scores = [score for name in chosen if (score := _score(METRICS[name], asked, given))]
    if not scores:
        return None
    taken = {score.metric for score in scores}
    main, reason = next((name, reason) for name, reason in chosen.items() if name in taken)
    others = [score for score in scores if score.better and score.metric != main]
    adjusted = dict(zip((score.metric for score in others), holm([score.p for score in others])))
    scores = [score.model_copy(update={"p_adjusted": adjusted.get(score.metric, score.p)}) for score in scores]
    return Part(
        name=name,
        data=data,
        rows=len(asked),
        of=of,
        main=main,
        reason=reason,
        scores=tuple(scores),
        confusion=_confusion(asked, given) if "label" in taken else None,
    )


def _score(metric: Metric, asked: Sequence[Asked], given: Sequence[Both]) -> Score | None:
    """``metric`` of base and tuned on the rows where both have a value; None if there is no such row."""
    rows = []
    for each, (base, tuned) in zip(asked, given):
        values = metric.value(each, base), metric.value(each, tuned)
        if None not in values:
            rows.append((*values, base.loss_tokens))
    if not rows:
        return None
    # Each row weighted by its tokens: the mean is then that of all tokens, and the row stays what is resampled.
    total = sum(tokens for *_, tokens in rows)
    weights = [tokens * len(rows) / total if metric.by_tokens and total else 1.0 for *_, tokens in rows]
    base, tuned = ([row[n] * weight for row, weight in zip(rows, weights)] for n in (0, 1))
    p = paired_test(base, tuned)
    return Score(
        metric=metric.name,
        better=metric.better,
        rows=len(rows),
        base=_bounds(mean_interval(base)),
        tuned=_bounds(mean_interval(tuned)),
        difference=_bounds(mean_interval([after - before for before, after in zip(base, tuned)])),
        p=p,
        p_adjusted=p,
    )


def _bounds(interval: Interval) -> Bounds:
    return Bounds(value=interval.value, low=interval.low, high=interval.high)


def _confusion(asked: Sequence[Asked], given: Sequence[Both]) -> Confusion:
    found = labels([each.expected for each in asked])
    counts = [[[0] * (len(found) + 1) for _ in found] for _ in (0, 1)]
    for each, both in zip(asked, given):
        row = found.index(plain(answer_of(each.expected)))
        for matrix, one in zip(counts, both):
            answer = plain(one.text)
            matrix[row][found.index(answer) if answer in found else len(found)] += 1
    base, tuned = (tuple(map(tuple, matrix)) for matrix in counts)
    return Confusion(labels=tuple(found), base=base, tuned=tuned)
