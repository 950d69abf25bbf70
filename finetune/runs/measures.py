"""Rules of the diagnosis that look at a method's measures: where its loss says nothing, or less than they do."""

from finetune.format import percent
from finetune.methods import METHODS, Measure
from finetune.methods.measure import KL, NO_SPREAD, REWARD_ACCURACY
from finetune.runs.curve import Curve, lately, measured
from finetune.runs.verdict import EARLY_SHARE, FLAT_SHARE, HIGHER, Diagnosis, number
from finetune.runs.view import View

FEW_SPREAD = 0.9
"""Share of the groups of sampled answers that all earn the same, from which on nothing is learned."""
UNDECIDED = 0.55
"""A reward accuracy up to this is that of a coin, as far as some hundred held-out pairs can tell."""
LARGE_KL = 10.0
"""Nats from the base (``methods.measure.KL``) beyond which answers have little to do with the base's."""


def no_preference(view: View, curve: Curve) -> Diagnosis | None:
    """The model tells the better answers of held-out pairs from the worse ones no better than a coin."""
    if REWARD_ACCURACY not in METHODS[view.method].measures or len(curve.share) < 3:
        return None
    if max(share for _, share in curve.share[-2:]) > UNDECIDED or view.step < EARLY_SHARE * view.total_steps:
        return None
    return Diagnosis(
        "no_preference",
        f"Its {curve.share_name} on held-out pairs is {percent(curve.share[-1][1])}: a coin would get 50 %.",
        "Check on the Data tab that the better answers are the chosen ones and differ from the others in one way. "
        "Else try a higher learning rate or a lower beta.",
        curve.best_step,
    )


def drifted(view: View, curve: Curve) -> Diagnosis | None:
    """The model has moved so far from the base that its answers have little to do with the base's any more."""
    kl = lately(view, KL.name)
    if kl is None or kl <= LARGE_KL:
        return None
    return Diagnosis(
        "drifted",
        f"The {KL.short} divergence from the base has grown to {number(kl)} nats.",
        "Raise beta, which holds it closer to the base, or lower the learning rate. Read the sample answers: rewards "
        "can be earned in ways that nobody meant.",
        curve.best_step,
    )


def no_spread(view: View, curve: Curve) -> Diagnosis | None:
    """All answers to a prompt earn the same, so that no answer is better than its group, and the reward is flat.

    Advantages are relative to the group (Shao et al. 2024, §4.1.2): without a spread they are all zero.
    """
    share = lately(view, NO_SPREAD.name)
    if share is None or share < FEW_SPREAD or _gain(view)[0] > 0:
        return None
    return Diagnosis(
        "no_spread",
        f"In {percent(share)} of the groups all answers earn the same, so there is nothing to learn from.",
        "The prompts are too hard or too easy: choose some that the base gets right sometimes, sample at a higher "
        "temperature, or give rewards in degrees. Or train on worked answers first (SFT).",
        curve.best_step,
    )


def _gain(view: View) -> tuple[float, float, float]:
    """By how much the measure that decides has got better, and its first and its last value; 0 if hardly at all."""
    measure = _deciding(view)
    points = measured(view, measure.name) if measure else []
    if len(points) < 2:
        return 0.0, 0.0, 0.0
    start, end = points[0][1], points[-1][1]
    gain = end - start if measure.better == "higher" else start - end
    return (gain if abs(gain) > FLAT_SHARE * max(abs(start), abs(end)) else 0.0), start, end


def _deciding(view: View) -> Measure | None:
    """The measure by which the method is judged: what decides the best evaluation, else its first."""
    method = METHODS[view.method]
    named = [measure for measure in method.measures if measure.name == method.best_by]
    return next(iter([*named, *method.measures]), None)


def by_measure(view: View, curve: Curve) -> Diagnosis:
    """What is left where the loss says nothing: how the measure that decides has moved."""
    measure, (gain, start, end) = _deciding(view), _gain(view)
    if measure is None or len(measured(view, measure.name)) < 2:
        return Diagnosis("early", "The loss of this method does not show whether it learns; its measures do.")
    first, last = (percent(value) if measure.unit == "share" else number(value) for value in (start, end))
    where = "On held-out rows its" if any(measure.name in each.metrics for each in view.evaluations[1:]) else "Its"
    if not gain:
        return Diagnosis(
            "plateau", f"{where} {measure.short} has hardly moved: {last} now, {first} at the start.", HIGHER
        )
    words = f"{where} {measure.short} is {last} ({first} at the start)."
    if gain > 0:
        return Diagnosis("learning", words, "", _best_step(view))
    return Diagnosis("unstable", words, "Try a learning rate two to three times lower.", _best_step(view))


def _best_step(view: View) -> int | None:
    return view.best.step if view.best else None
