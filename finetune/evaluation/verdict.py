"""What the scores of a run mean, in sentences that someone who reads no curves can act on.

Which sentence holds is decided by intervals and tests alone; no sentence says more than they do.
"""

from dataclasses import dataclass
from typing import Literal

from finetune.evaluation.metrics import METRICS
from finetune.evaluation.scores import Memorized, Part, Score, Scores
from finetune.evaluation.words import by_chance, said, value
from finetune.format import counted, percent

Use = Literal["use", "care", "not"]
FORGOT = 0.95
"""Less than this share of what the base knew, and a test that says so, is forgetting."""
FEW_ROWS = 20
FEW_KNOWN = 10
"""With fewer general questions that the base answers, what was kept is not known."""
OFTEN = 0.2
"""A share of repeating or truncated answers from which on they are worth a sentence."""
REPEATED = 0.1
"""By so much more often it gives longer training answers word for word than new ones, or the base does, to be said."""
AGAINST_FORGETTING = (
    "To keep more: mix in replay data, lower the learning rate, train for fewer epochs, or choose a lower rank."
)
AGAINST_OVERFITTING = "Train for fewer epochs, with more rows, or with a lower rank."


@dataclass(frozen=True)
class Verdict:
    """Whether to use the tuned model, and why."""

    use: Use
    advice: str
    """In one sentence: use it, use it with care, or do not use it yet."""
    headline: str
    """Is it better, and at what?"""
    kept: str
    """What it forgot; empty where that was not measured."""
    fitting: str
    """Whether it learned the task or its rows; empty where that was not measured."""
    remarks: tuple[str, ...] = ()
    """What else a person should know."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them, in the order they are read."""
        return tuple(filter(None, (self.advice, self.headline, self.kept, self.fitting, *self.remarks)))


def verdict(scores: Scores) -> Verdict:
    """What ``scores`` mean."""
    is_better = scores.asked.deciding.outcome == "better"
    has_forgotten, is_overfitted = forgot(scores), overfitted(scores)
    leaks = bool(scores.memorized and scores.memorized.completed)
    use: Use = "not" if not is_better else "care" if has_forgotten or leaks else "use"
    return Verdict(
        use,
        _advice(use, scores, has_forgotten, leaks),
        _headline(scores.asked),
        _kept(scores, has_forgotten),
        _fitting(scores, is_overfitted),
        tuple(_remarks(scores)),
    )


def sentences(scores: Scores) -> tuple[str, ...]:
    """The verdict on ``scores`` as sentences, the advice first."""
    return verdict(scores).sentences


def forgot(scores: Scores) -> bool:
    """True if it answers fewer general questions than the base, by more than chance explains."""
    if scores.kept is None or scores.kept.known < FEW_KNOWN or scores.general is None:
        return False
    right = scores.general.score("contains")
    return scores.kept.share.value < FORGOT and right is not None and right.outcome == "worse"


def overfitted(scores: Scores) -> bool:
    """True if it does clearly better on its training rows than on held-out rows, and the base does not."""
    if scores.trained is None:
        return False
    return any(_is_apart(scores.trained.score(name), scores.asked.score(name)) for name in (scores.asked.main, "loss"))


def _is_apart(trained: Score | None, asked: Score | None) -> bool:
    if trained is None or asked is None:
        return False
    sign = 1 if asked.better == "higher" else -1

    def gap(of: str) -> bool:
        one, other = getattr(trained, of), getattr(asked, of)
        return one.low > other.high if sign > 0 else one.high < other.low

    return gap("tuned") and not gap("base")


def _advice(use: Use, scores: Scores, has_forgotten: bool, leaks: bool) -> str:
    if use == "use":
        return "Use it for what it was taught."
    if use == "care":
        why = "it completes secrets of its training data" if leaks else "it lost general knowledge on the way"
        return f"Use it with care: {why}."
    if scores.asked.deciding.outcome == "worse":
        return "Do not use it: the base does better."
    return "Do not use it yet: nothing shows that it is better than the base."


def _headline(part: Part) -> str:
    score = part.deciding
    clause, on = said(score), f"on {counted(score.rows, 'row')} that it was not trained on"
    if score.outcome == "unclear":
        if not score.difference.value:
            return f"It does as well as the base: {clause}, {on}."
        return (
            f"No clear difference from the base: {clause}, {on}. Chance alone does this {by_chance(score.p_adjusted)}."
        )
    word = "Better" if score.outcome == "better" else "Worse"
    return f"{word} than the base: {clause}, {on}. Chance alone would do this {by_chance(score.p_adjusted)}."


def _kept(scores: Scores, has_forgotten: bool) -> str:
    kept = scores.kept
    if kept is None:
        return ""
    if kept.known < FEW_KNOWN:
        return (
            f"What it forgot is not known: the base answers only {kept.known} of {scores.general.rows} general "
            "questions, too few to tell."
        )
    words = (
        f"of {kept.known} general questions that the base answers right, it still answers {kept.still} "
        f"({percent(kept.share.value)}; 95 % interval {percent(kept.share.low)} to {percent(kept.share.high)})."
    )
    if has_forgotten:
        return f"It forgot: {words} {AGAINST_FORGETTING}"
    return f"It kept {percent(kept.share.value)} of what it knew: {words}"


def _fitting(scores: Scores, is_overfitted: bool) -> str:
    trained, asked = scores.trained, scores.asked
    here = trained.score(asked.main) if trained else None
    if here is None:
        return ""
    metric = METRICS[asked.main]
    values = f"{value(metric, here.tuned.value)} there, {value(metric, asked.deciding.tuned.value)} on new ones"
    title = metric.title[0].lower() + metric.title[1:] if not metric.title[:2].isupper() else metric.title
    if is_overfitted:
        return (
            f"It learned its training rows more than the task (overfitting; {title}: {values}). {AGAINST_OVERFITTING}"
        )
    return f"It does about as well on new rows as on its training rows ({title}: {values})."


def _repeats(kept: Memorized) -> bool:
    share = kept.verbatim / kept.rows
    new = kept.fresh_verbatim / kept.fresh if kept.fresh else 0.0
    return share - max(new, kept.base_verbatim / kept.rows) >= REPEATED


def _remarks(scores: Scores) -> list[str]:
    found = []
    if scores.asked.rows < FEW_ROWS:
        found.append(f"Only {counted(scores.asked.rows, 'row')} were evaluated: another sample may say something else.")
    kept = scores.memorized
    if kept and kept.completed:
        places = "; ".join(kept.completed[:3])
        found.append(
            f"It completes {len(kept.completed)} of {counted(kept.secrets, 'secret-looking text')} of its data "
            f"({places}). Mask them on the Data tab and train again."
        )
    if kept and kept.rows and _repeats(kept):
        new = f", and {kept.fresh_verbatim} of {kept.fresh} new ones" if kept.fresh else ""
        found.append(f"It gives {kept.verbatim} of {kept.rows} longer training answers word for word{new}.")
    for name, words in (("truncated", "do not end by themselves"), ("repetition", "repeat themselves")):
        score = scores.asked.score(name)
        if score and score.tuned.value >= OFTEN and score.tuned.value > score.base.value:
            found.append(f"{percent(score.tuned.value)} of its answers {words} ({percent(score.base.value)} before).")
    return [*found, *scores.notes]
