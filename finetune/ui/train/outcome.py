"""What has become of a run, and the next step, in a notice or a line; for each state."""

from finetune.format import amount, duration
from finetune.runs.view import ACTIVE, RESUMABLE, UNPACED_S, View
from finetune.ui.train.standing import Standing
from finetune.ui.views import PHASE_WORDS, notice, small


def outcome(view: View, standing: Standing, now: float) -> str:
    """What happened to the run and what can be done next; empty while it simply goes on."""
    parts = [notice(*words, kind=kind)] if (words := _words(view, standing, now)) and (kind := _kind(view)) else []
    if view.state == "done":
        parts.append(small(_finished(view)))
    if view.fallbacks and view.state != "failed":
        parts.append(small(_fell_back(view)))
    return "".join(parts)


def interrupted_words(called: str, view: View, standing: Standing) -> tuple[str, str]:
    """That a run was interrupted, and what resuming it means."""
    message = f"{called} was interrupted {_place(view)}."
    if not standing.checkpoint:
        return message, "Nothing had been saved yet, so it would begin anew."
    lost = view.step - standing.checkpoint
    if lost <= 0:
        return message, f"It was saved at step {amount(standing.checkpoint)}: nothing that it learnt is lost."
    steps = "1 step is" if lost == 1 else f"{amount(lost)} steps are"
    return message, f"Its last checkpoint is of step {amount(standing.checkpoint)}, so {steps} to be done again."


def stalled_words(called: str, view: View, standing: Standing) -> tuple[str, str]:
    """That a run does not answer, and what starting again means for it; the same until it answers.

    Where that is offered with a button the app starts again by itself, elsewhere a person ends and starts the program.
    """
    silence, cause = _silence(view)
    way, after = "end the program and start it again", ""
    if standing.is_offered:
        way, after = "start the app again", " The page comes back by itself."
    lost = f"can be resumed from step {amount(standing.checkpoint)}" if standing.checkpoint else "has to begin anew"
    return (
        f"{called} does not answer: {silence}.",
        f"{cause}; Stop and Pause wait for it too. If it stays so, {way}: the run is cut off and {lost}.{after}",
    )


def _kind(view: View) -> str:
    if view.state == "failed":
        return "error"
    return "warning" if view.state in ("interrupted", *ACTIVE) else "info"


def _words(view: View, standing: Standing, now: float) -> tuple[str, str] | None:
    """Message and hint."""
    if view.is_stalled(now):
        return None if standing.is_offered else stalled_words("It", view, standing)
    if view.state == "queued":
        return _queued(standing)
    if view.state == "failed":
        return view.message or "The run failed.", f"{view.hint} {_to_go_on(view, standing)}".strip()
    if view.state == "interrupted" and not standing.is_offered:
        return interrupted_words("It", view, standing)
    if view.state == "paused":
        return view.message or f"It was paused {_place(view)}.", _to_go_on(view, standing)
    if view.state == "stopped":
        return _stopped(view, standing)
    if view.state == "done" and view.message:
        return view.message, view.hint
    return None


def _queued(standing: Standing) -> tuple[str, str]:
    if not standing.ahead:
        return "It is next.", "It begins by itself as soon as the machine is free."
    come = "1 run comes" if standing.ahead == 1 else f"{amount(standing.ahead)} runs come"
    return f"{come} before it.", "It begins by itself when its turn comes."


def _stopped(view: View, standing: Standing) -> tuple[str, str]:
    if view.message or not view.has_model:
        happened = view.message or f"It was stopped {_place(view)}, so there is no model."
        return happened, _to_go_on(view, standing)
    return (
        f"It was stopped {_place(view)}, and the model it had become was kept.",
        f"Compare it with the base. {_to_go_on(view, standing)}".strip(),
    )


def _silence(view: View) -> tuple[str, str]:
    """For how long it has been silent, measured by what is usual, and what may be the cause if all is well."""
    if view.is_paced:
        usual = f"{view.step_s:.1f} s" if view.step_s < 10 else duration(view.step_s)
        return (
            f"a step usually takes {usual}, and this one is not over",
            "It may be busy with the held-out rows or with saving",
        )
    doing = PHASE_WORDS.get(view.phase, "getting ready").lower()
    doing = "beginning to train" if view.phase == "training" else doing
    return (
        f"{doing} has taken more than {duration(UNPACED_S)} without a word",
        "A large model can take so long, or a slow disk or network",
    )


def _to_go_on(view: View, standing: Standing) -> str:
    """What resuming it would do."""
    if view.state not in RESUMABLE or view.code == "diverged":
        return ""
    if standing.checkpoint:
        return f"Resume goes on from step {amount(standing.checkpoint)}."
    return "Started again, it begins anew." if view.started_at else "It can be put in line again."


def _finished(view: View) -> str:
    kept = next((choice.value for choice in view.choices if choice.what == "model kept"), "")
    best = f"The model of {kept} was kept, which did best on the held-out rows. " if kept else ""
    return f"{best}Compare it with the base, or train it further."


def _fell_back(view: View) -> str:
    last, count = view.fallbacks[-1].reason, len(view.fallbacks)
    noted = ("This is" if count == 1 else f"All {count} changes are") + " noted under “What was chosen, and why”."
    return f"The memory did not suffice for what was asked. {last} {noted}"


def _place(view: View) -> str:
    """Where a run was: ``at step 48 of 114``."""
    return f"at step {amount(view.step)} of {amount(view.total_steps)}" if view.step else "before its first step"
