"""What has become of a run, and the next step, in a notice or a line; for each state."""

from finetune.format import amount, counted, duration
from finetune.methods import METHODS
from finetune.runs.view import ACTIVE, PHASE_WORDS, RESUMABLE, UNPACED_S, View
from finetune.ui.train.standing import Standing
from finetune.ui.views import notice, small


def notices(view: View, standing: Standing, now: float) -> str:
    """What happened to the run and what can be done next; empty while it simply continues."""
    parts = [notice(*words, kind=kind)] if (words := _words(view, standing, now)) and (kind := _kind(view)) else []
    if view.state == "done":
        parts.append(small(_finished(view, standing)))
    if view.fallbacks and view.state != "failed":
        parts.append(small(_fell_back(view)))
    return "".join(parts)


def interruption_words(title: str, view: View, standing: Standing) -> tuple[str, str]:
    """That a run was interrupted, and what resuming it means."""
    message = f"{title} was interrupted {_place(view)}."
    if not standing.checkpoint:
        return message, "It has no checkpoint yet, so it would restart from step 0."
    lost = view.step - standing.checkpoint
    if lost <= 0:
        return message, f"Its checkpoint is from step {amount(standing.checkpoint)}: nothing is lost."
    return (
        message,
        f"Its last checkpoint is from step {amount(standing.checkpoint)}: {counted(lost, 'step')} to repeat.",
    )


def stalled_words(title: str, view: View, standing: Standing) -> tuple[str, str]:
    """That a run is not responding, and what a restart means for it; the same until it responds.

    Where a button offers it the app restarts by itself, elsewhere a person ends and starts the program.
    """
    silence, cause = _silence(view)
    way, after = "end the program and start it again", ""
    if standing.is_offered:
        way, after = "restart the app", " The page comes back by itself."
    lost = (
        f"can be resumed from step {amount(standing.checkpoint)}"
        if standing.checkpoint
        else "has to restart from step 0"
    )
    return (
        f"{title} is not responding: {silence}.",
        f"{cause}; Stop and Pause wait for that too. If it stays like this, {way}: "
        f"the run is interrupted and {lost}.{after}",
    )


def _kind(view: View) -> str:
    if view.state == "failed":
        return "error"
    return "warning" if view.state in ("interrupted", *ACTIVE) else "info"


def _words(view: View, standing: Standing, now: float) -> tuple[str, str] | None:
    """Message and hint."""
    if view.is_silent:
        return view.elsewhere.silent_words
    if view.is_stalled(now):
        return None if standing.is_offered else stalled_words("The run", view, standing)
    if view.state == "queued":
        return _queued(standing)
    if view.state == "failed":
        return view.message or "The run failed.", f"{view.hint} {_resuming(view, standing)}".strip()
    if view.state == "interrupted" and not standing.is_offered:
        return interruption_words("The run", view, standing)
    if view.state == "paused":
        return view.message or f"The run was paused {_place(view)}.", _resuming(view, standing)
    if view.state == "stopped":
        return _stopped(view, standing)
    if view.state == "done" and view.message:
        return view.message, view.hint
    return None


def _queued(standing: Standing) -> tuple[str, str]:
    position = standing.position or 1
    if position == 1:
        return "Queue position 1.", "The run starts as soon as the machine is free."
    return f"Queue position {position}.", f"{counted(position - 1, 'queued run')} before it."


def _stopped(view: View, standing: Standing) -> tuple[str, str]:
    if view.message or not view.has_model:
        happened = view.message or f"The run was stopped {_place(view)}, so there is no model."
        return happened, _resuming(view, standing)
    return (
        f"The run was stopped {_place(view)}, and its model was kept.",
        f"Compare it with the base. {_resuming(view, standing)}".strip(),
    )


def _silence(view: View) -> tuple[str, str]:
    """For how long it has been silent, measured by what is usual, and what may be the cause if all is well."""
    if view.is_paced:
        usual = f"{view.step_s:.1f} s" if view.step_s < 10 else duration(view.step_s)
        return (
            f"a step usually takes {usual}, and this one has not ended",
            "It may be evaluating or saving a checkpoint",
        )
    doing = PHASE_WORDS.get(view.phase, "preparing").lower()
    doing = "starting to train" if view.phase == "training" else doing
    return (
        f"{doing} has taken more than {duration(UNPACED_S)}",
        "A large model can take this long, or a slow disk or network",
    )


def _resuming(view: View, standing: Standing) -> str:
    """What resuming it would do."""
    if view.state not in RESUMABLE or view.code == "diverged":
        return ""
    if standing.checkpoint:
        return f"Resume continues from step {amount(standing.checkpoint)}."
    if view.is_partly_fetched:
        return "Resume continues the download."
    return "It has no checkpoint, so it would restart from step 0." if view.started_at else "It can be queued again."


def _finished(view: View, standing: Standing) -> str:
    kept = next((choice.value for choice in view.choices if choice.what == "model_kept"), "")
    best = f"The model of {kept} was kept: it did best on the held-out rows. " if kept else ""
    if METHODS[view.method].makes_scorer:
        return f"{best}It can score answers on the Compare tab, and be a reward of RLOO or GRPO."
    found = f"{standing.found} " if standing.found else ""
    return f"{best}{found}Compare it with the base, or train it further."


def _fell_back(view: View) -> str:
    last, count = view.fallbacks[-1].reason, len(view.fallbacks)
    listed = "This fallback is" if count == 1 else f"All {count} fallbacks are"
    return f"The run was out of memory and fell back. {last} {listed} listed under “Automatic choices” below."


def _place(view: View) -> str:
    """Where a run was: ``at step 48 of 114``."""
    return f"at step {amount(view.step)} of {amount(view.total_steps)}" if view.step else "before its first step"
