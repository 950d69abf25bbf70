"""The diagnosis of a run: what its curve says, in words, and what to do.

Pure functions of a run's view, in one pass over its steps. The rules are tried in the order of ``RULES``; each
names its source. They warn and advise; whether a run ends is the trainer's business, which asks ``should_stop``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from finetune.format import percent
from finetune.methods import METHODS
from finetune.runs.curve import LARGEST, SMALL, Curve, repetition, trend
from finetune.runs.events import Evaluated
from finetune.runs.measures import by_measure, drifted, no_preference, no_spread
from finetune.runs.verdict import EARLY_SHARE, FLAT_SHARE, HIGHER, LOWER, TITLES, Diagnosis, number
from finetune.runs.view import View

EARLY_STEPS = 20
"""With fewer steps, and fewer than three evaluations, it is too early."""
LOSS_GAIN = 0.03
"""Prechelt's generalisation loss α, as a share: so much above its best a held-out loss has got worse."""
STRIPS = 3
"""Prechelt's s: so many evaluations in a row, each worse than the one before, are no accident."""
RISE_SHARE = 0.25
"""A training loss that gives back this share of what it had fallen has risen."""
MANY_SPIKES = 3
"""Fewer spikes than this are reported as such, and the run is not called unstable for them."""
SPIKE_RATE = 0.005
"""Share of the steps that spikes must make up, beyond ``MANY_SPIKES``, in a long run."""
NOT_NUMBERS = 3
"""Losses in a row that are no numbers."""
EXPLODED = 5.0
"""A gradient so many times its first size has exploded; in runs that went well the largest was 1.1 to 1.9 times it."""
VANISHED = 0.25
"""A gradient that has shrunk to this share of what the loss has; in runs that went well it was 0.5 to 11."""
REPETITIVE = 0.8
"""Share of an answer's four-letter pieces that were there before: 0.1 to 0.3 in speech, near 1 in ``,,,,,,``."""
NOTHING_HELD_OUT = "Hold out rows: without them nobody can see whether the model overfits."


def diagnose(view: View) -> Diagnosis:
    """What the curve of ``view`` says now; the first of ``RULES`` that applies."""
    curve = Curve.of(view)
    looks = METHODS[view.method].loss_shows_learning
    rules, spikes = (RULES, curve.spikes) if looks else (RULES_WITHOUT_LOSS, ())
    return replace(next(found for rule in rules if (found := rule(view, curve))), spikes=spikes)


def best_sound(view: View) -> Evaluated | None:
    """The evaluation whose model is worth keeping: the best before any degenerate output; None without one.

    The lowest loss of all can belong to a model that answers everything with one letter (see ``_degenerate``).
    """
    found = _degenerate(view, Curve.of(view))
    return view.best_of([each for each in view.evaluations if found is None or each.step < found.since])


def _not_a_number(view: View, curve: Curve) -> Diagnosis | None:
    """Three losses in a row, or the newest held-out loss, are no numbers; or the trainer gave up for that."""
    lost = bool(view.evaluations) and not abs(view.evaluations[-1].loss) < LARGEST
    if not (view.code == "diverged" or lost or len(curve.bad) >= NOT_NUMBERS):
        return None
    since = curve.bad[0] if curve.bad else view.evaluations[-1].step if lost else view.step
    return Diagnosis("diverged", f"The loss is not a number since step {since}.", LOWER, curve.best_step, since)


def _diverged(view: View, curve: Curve) -> Diagnosis | None:
    """Held-out and training loss have both ended above where they began: the run diverged, and did not overfit.

    That tells the two apart: a model that overfits gets better on its training rows.
    """
    if len(curve.blocks) < 2:
        return None
    (_, first), (_, last) = curve.blocks[0], curve.blocks[-1]
    series = curve.held_out if len(curve.held_out) > 1 else curve.blocks
    factor = 1 + LOSS_GAIN if series is curve.held_out else 1.5
    start, end = series[0][1], series[-1][1]
    if last < first or end < start + max((factor - 1) * abs(start), SMALL):
        return None
    since = next(series[n + 1][0] for n in reversed(range(len(series) - 1)) if series[n][1] <= start)
    words = f"The loss has risen from {number(start)} to {number(end)} since step {since}: "
    return Diagnosis("diverged", words + "the model is worse than before training.", LOWER, curve.best_step, since)


def _collapsed(view: View, curve: Curve) -> Diagnosis | None:
    """The gradient exploded and has all but vanished since, while much of the loss is left: the weights collapsed.

    At a minimum only the mean of the gradients vanishes; those of single batches do not, unless their rows are answered
    perfectly, and then the loss has vanished too. Behind a normalizing layer the gradient shrinks as the weights grow
    (Ioffe and Szegedy 2015, §3.3), so weights that one far too large step has made huge stay huge.
    """
    norms = [(s.grad_norm, s.step) for s in view.steps if s.grad_norm is not None and s.grad_norm < LARGEST]
    if len(curve.gradients) < 4 or len(curve.blocks) < 4:
        return None
    first, (peak, at) = median(norm for norm, _ in norms[:5]), max(norms)
    start, end = curve.blocks[0][1], curve.blocks[-1][1]
    left = VANISHED * first * min(1.0, end / start) if start > 0 else 0.0
    if first <= 0 or peak < EXPLODED * first or end < SMALL or curve.gradients[-1][1] >= left:
        return None
    return Diagnosis(
        "diverged",
        f"The model collapsed: gradients grew {peak / first:.0f} times too large at step {at}, have all but vanished "
        f"since, and the loss stays at {number(end)}.",
        "Start again with a learning rate ten times lower.",
        curve.best_step,
        at,
    )


def _degenerate(view: View, curve: Curve) -> Diagnosis | None:
    """Every one of the newest answers repeats the same few letters, and the base model's did not.

    No loss shows it: DPO on the shipped pairs, four times longer than the default, ends with 100 % held-out accuracy
    and answers of one letter.
    """
    answers = view.samples[-1].answers if view.samples else ()
    if not answers or not all(
        repetition(a.tuned) >= REPETITIVE and repetition(a.base) < REPETITIVE / 2 for a in answers
    ):
        return None
    since = next(s.step for s in view.samples if all(repetition(answer.tuned) >= REPETITIVE for answer in s.answers))
    closer = ", or a higher beta, which holds it closer to the base" if METHODS[view.method].has_reference else ""
    return Diagnosis(
        "degenerate",
        f"Degenerate output: since step {since} it answers every question with “{answers[0].tuned.strip()[:8]}…”.",
        f"Train for fewer epochs or with a learning rate three to ten times lower{closer}.",
        curve.best_step,
        since,
    )


def _early(view: View, curve: Curve) -> Diagnosis | None:
    """There are too few points for any rule."""
    if len(curve.held_out) >= 3 or (len(curve.training) >= EARLY_STEPS and len(curve.blocks) >= 4):
        return None
    hint = "Lower is better. Held-out rows are never trained on."
    return Diagnosis("early", "Too few steps and evaluations to judge by.", hint, curve.best_step)


def _risen(view: View, curve: Curve) -> Diagnosis | None:
    """The training loss had fallen by a quarter, gives back a quarter of that, and no evaluation disagrees.

    Above its start it would be ``_diverged``; with a training loss that keeps falling, ``_overfitting``.
    """
    if len(curve.blocks) < 4:
        return None
    lowest, low = min(curve.blocks, key=lambda point: point[1])
    rise, fall = curve.blocks[-1][1] - low, curve.blocks[0][1] - low
    evaluated = [loss for step, loss in curve.held_out if step > lowest]
    confirmed = len(evaluated) < 2 or evaluated[-1] > curve.best[1] + SMALL
    if (
        not confirmed
        or fall < RISE_SHARE * abs(curve.blocks[0][1])
        or rise < max(RISE_SHARE * fall, 0.2 * abs(low), 5 * SMALL)
    ):
        return None
    return Diagnosis(
        "unstable",
        f"The training loss had come down to {number(low)} at step {lowest} and has risen again to "
        f"{number(low + rise)}.",
        "Try a learning rate two to three times lower.",
        curve.best_step,
        lowest,
    )


def _spiky(view: View, curve: Curve) -> Diagnosis | None:
    """Loss spikes are frequent: at three steps or more, and in a long run at one of two hundred.

    The share of steps that are spikes is the spike score of OLMo 2 (arXiv:2501.00656, §4).
    """
    if len(curve.spikes) < max(MANY_SPIKES, SPIKE_RATE * len(view.steps)):
        return None
    return Diagnosis(
        "unstable",
        f"Loss spikes at step {steps_words(curve.spikes)}.",
        "Try a learning rate two to three times lower, and look at the Data tab for rows unlike the others.",
        curve.best_step,
        curve.spikes[0],
    )


def _overfitting(view: View, curve: Curve) -> Diagnosis | None:
    """The held-out loss is 3 % above its best, or has risen at three evaluations in a row, while training continued.

    Prechelt 1998, "Early stopping - but when?": the criteria GL_3 and UP_3. Differences below a hundredth of a nat
    are left out, as a share of a loss near zero says nothing.
    """
    if len(curve.held_out) < 3:
        return None
    (best_step, best), last = curve.best, curve.held_out[-1][1]
    newest = [loss for _, loss in curve.held_out[-STRIPS - 1 :]]
    rising = len(newest) > STRIPS and all(a < b for a, b in zip(newest, newest[1:]))
    if last < best + SMALL or not (last > best + LOSS_GAIN * abs(best) or rising):
        return None
    since = next(step for step, _ in curve.held_out if step > best_step)
    words = f"Overfitting: the held-out loss was best at step {best_step} ({number(best)}) and has risen since step "
    words += f"{since} ({number(last)} now)."
    if curve.share and curve.share[-1][1] >= max(share for _, share in curve.share) - 0.02:
        words += f" Its {curve.share_name} stays at {percent(curve.share[-1][1])}, so it grows surer where it is wrong."
    advice = "Train for fewer epochs, or on more rows that differ from each other."
    return Diagnosis("overfitting", words, advice, best_step, since)


def _plateau(view: View, curve: Curve) -> Diagnosis | None:
    """The held-out loss has moved by less than 2 % of its start, or without one the training loss has no real trend.

    If the training loss fell all the same, the model does not generalize.
    """
    fall, real = trend(curve.blocks)
    share = -fall / abs(curve.blocks[0][1]) if curve.blocks and curve.blocks[0][1] and real else 0.0
    if len(curve.held_out) > 1:
        found = _plateau_held_out(curve, share)
    elif share < FLAT_SHARE:
        found = Diagnosis("plateau", f"The loss has hardly moved from {number(curve.blocks[0][1])}.", HIGHER)
    else:
        found = None
    if found and view.total_steps and view.step < EARLY_SHARE * view.total_steps:
        first, last = curve.blocks[0][1], curve.blocks[-1][1]
        words = "The loss has hardly moved yet; the first steps are small ones."
        if first - last > FLAT_SHARE * abs(first):
            words = f"So far the training loss fell from {number(first)} to {number(last)}: too early to say more."
        return Diagnosis("early", words, "", curve.best_step)
    return found


def _plateau_held_out(curve: Curve, share: float) -> Diagnosis | None:
    """``_plateau`` where there are evaluations; ``share`` is how much of its start the training loss has lost."""
    start, best = curve.held_out[0][1], curve.best[1]
    gained = curve.share[-1][1] - curve.share[0][1] if curve.share else 0.0
    if start - best >= max(FLAT_SHARE * abs(start), SMALL / 2) or gained >= 0.1:
        return None
    if abs(start) < 5 * SMALL:
        words = f"There was little to learn: the held-out loss was {number(start)} before training."
        return Diagnosis("plateau", words, "Check on the Data tab that these rows are what you meant.", curve.best_step)
    if share > 10 * FLAT_SHARE:
        return Diagnosis(
            "overfitting",
            f"The training loss falls, but the held-out loss stays at {number(best)}: the model does not generalize.",
            "Check on the Data tab that the held-out rows ask for the same as the others, or add more rows.",
            curve.best_step,
            curve.held_out[1][0],
        )
    words = f"The held-out loss has hardly moved: {number(start)} at the start, {number(best)} at best."
    return Diagnosis("plateau", words, HIGHER, curve.best_step)


def _learning(view: View, curve: Curve) -> Diagnosis:
    """What is left: the loss falls, or did until its plateau."""
    if len(curve.held_out) < 2:
        start, end = curve.blocks[0][1], curve.blocks[-1][1]
        unseen = "" if view.held_out_rows else NOTHING_HELD_OUT
        words = f"The training loss fell from {number(start)} to {number(end)}."
        return Diagnosis("learning", words, unseen, curve.best_step)
    words = f"The held-out loss fell from {number(curve.held_out[0][1])} to {number(curve.held_out[-1][1])}"
    words += _share_words(curve)
    plateau = curve.plateau_since
    if plateau is None:
        return Diagnosis("learning", f"{words}.", "", curve.best_step)
    advice = "More of the same would change little; more or better rows might."
    return Diagnosis("learning", f"{words}; plateau since step {plateau}.", advice, curve.best_step, plateau)


def _share_words(curve: Curve) -> str:
    """``, its reward accuracy is 94 % (50 % at the start)``; empty without such a measure."""
    if len(curve.share) < 2:
        return ""
    (_, before), (_, now) = curve.share[0], curve.share[-1]
    return f", its {curve.share_name} is {percent(now)} ({percent(before)} at the start)"


RULES: tuple[Callable[[View, Curve], Diagnosis | None], ...] = (
    _not_a_number,
    _collapsed,
    _degenerate,
    _early,
    _diverged,
    _risen,
    _spiky,
    _overfitting,
    no_preference,
    _plateau,
    _learning,
)
"""Every rule, the most urgent first; the last always applies."""

RULES_WITHOUT_LOSS = (_not_a_number, _degenerate, _early, drifted, no_spread, by_measure)
"""Those for a method whose falling loss does not mean that it learns."""


def steps_words(steps: Sequence[int], most: int = 4) -> str:
    """The first steps in words: ``40, 90, 130, 160 and 3 more``."""
    shown = ", ".join(str(step) for step in steps[:most])
    return shown if len(steps) <= most else f"{shown} and {len(steps) - most} more"


__all__ = ["RULES", "TITLES", "Diagnosis", "best_sound", "diagnose", "steps_words"]
