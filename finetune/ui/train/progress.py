"""How a run looks on the Train tab: its head with the bar and the figures, its sample answers, its choices and notes.

A new figure in the head is one entry in ``FIGURES``.
"""

import time
from collections.abc import Callable
from html import escape

from finetune.format import amount, counted, duration, percent, size, size_of
from finetune.machine import gauges
from finetune.runs.view import ACTIVE, PHASE_WORDS, View
from finetune.sweep import label
from finetune.ui.train.outcome import notices
from finetune.ui.train.standing import Standing
from finetune.ui.views import bar, small, state_words

STOPPING_WORDS = {
    "stop": "Stopping after this step",
    "pause": "Pausing after this step",
    "yield": "Saving, as the program ends",
}
"""What a run that is about to end is doing, by what was asked of it."""


def is_downloading(view: View) -> bool:
    """True while its model is downloaded and it is known how far that has come."""
    return view.phase == "downloading" and view.fetched is not None


FIGURES: tuple[Callable[[View, Standing, float], str], ...] = (
    lambda view, standing, now: standing.origin and f"starts from {standing.origin}",
    lambda view, standing, now: f"step {amount(view.step)} of {amount(view.total_steps)}" if view.total_steps else "",
    lambda view, standing, now: (
        f"{duration(now - view.started_at)} so far"
        if view.state in ACTIVE and view.started_at and not view.step and not view.elsewhere
        else ""
    ),
    lambda view, standing, now: (
        size_of(view.fetched.done_bytes, view.fetched.total_bytes) if is_downloading(view) else ""
    ),
    lambda view, standing, now: (
        f"{size(view.fetched.bytes_per_s)}/s" if is_downloading(view) and view.fetched.bytes_per_s else ""
    ),
    lambda view, standing, now: (
        f"{duration(view.fetched.eta_s)} left" if is_downloading(view) and view.fetched.eta_s else ""
    ),
    lambda view, standing, now: f"{duration(view.elapsed_s)} of training" if view.elapsed_s else "",
    lambda view, standing, now: f"{duration(view.eta_s)} left" if view.eta_s else "",
    lambda view, standing, now: f"{amount(view.tokens_per_s)} tokens/s" if view.tokens_per_s else "",
)
"""The figures under the bar, in their order, before those of the machine; one that is empty is left out."""


def head(view: View, standing: Standing = Standing(), now: float | None = None) -> str:
    """The state, the bar, one line of figures, and what has become of the run with the next step."""
    now = now or time.time()
    figures = _figures(view, standing, now)
    parts = [_title(view, standing, now), _bar(view), figures, _elsewhere(view), notices(view, standing, now)]
    return f"<section class='run-head'>{''.join(parts)}</section>"


def spoken(view: View) -> str:
    """What a screen reader says: the phase, and the progress in steps of a tenth, not every second."""
    if view.state == "running" and view.phase == "training":
        return f"{escape(view.name)}: training, {view.fraction * 10 // 1 * 10:.0f} % done."
    if is_downloading(view):
        return f"{escape(view.name)}: downloading the model, {view.fetched.share * 10 // 1 * 10:.0f} % done."
    return f"{escape(view.name)}: {escape(_phase(view))}."


def answers(view: View) -> str:
    """The sample prompts with the base's answer and the tuned one's at each evaluation; empty before the first."""
    if not view.samples:
        return ""
    blocks = []
    for index, first in enumerate(view.samples[0].answers):
        lines = [_answer("base", first.base, "base")]
        lines += [
            _answer(f"step {sample.step}", sample.answers[index].tuned, "tuned")
            for sample in view.samples
            if sample.step and index < len(sample.answers)
        ]
        blocks.append(f"<article><h4>{escape(first.prompt)}</h4><dl>{''.join(lines)}</dl></article>")
    return f"<section class='answers'><h3>Sample answers during training</h3>{''.join(blocks)}</section>"


def details(view: View) -> str:
    """The automatic choices with their reasons, fallbacks, notes, and with which libraries it ran."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(label(choice.what))}</th><td>{escape(choice.value)}</td>"
        f"<td>{escape(choice.reason)}</td></tr>"
        for choice in view.choices
    )
    table = f"<table class='choices'><tbody>{rows}</tbody></table>" if rows else ""
    notes = "".join(f"<li class='{note.level}'>{escape(note.message)}</li>" for note in view.notes)
    versions = ", ".join(f"{name} {version}" for name, version in view.versions.items())
    parts = [
        table,
        _fallbacks(view),
        f"<ul class='notes'>{notes}</ul>" if notes else "",
        _amounts(view),
        small(f"{view.device}. {versions}." if versions else ""),
    ]
    return "".join(parts) or small("Nothing yet.")


def _fallbacks(view: View) -> str:
    """What the run fell back to when it was out of memory, with the settings that changed."""
    fallbacks = "".join(
        f"<li>{escape(fallback.reason)} <span class='small'>"
        f"{escape(', '.join(f'{label(path)}: {value}' for path, value in fallback.settings.items()))}</span></li>"
        for fallback in view.fallbacks
    )
    return f"<h4>Fallbacks after running out of memory</h4><ol class='fallbacks'>{fallbacks}</ol>" if fallbacks else ""


def _title(view: View, standing: Standing, now: float) -> str:
    words, state = _phase(view, standing), view.state
    if view.is_stalled(now):
        words, state = f"Not responding for {duration(now - view.heard_at)}", "stalled"
    if view.is_silent:
        words, state = f"Silent for {duration(view.elsewhere.silent_s)}", "stalled"
    return f"<h3>{escape(view.name)} <span class='state {state}'>{escape(words)}</span></h3>"


def _phase(view: View, standing: Standing = Standing()) -> str:
    if view.state in ("preparing", "running"):
        return PHASE_WORDS.get(view.phase, "Preparing")
    if view.state == "stopping":
        return STOPPING_WORDS.get(standing.asked, "Saving")
    return state_words(view).capitalize()


def _bar(view: View) -> str:
    if view.state in ("failed", "interrupted", "queued") and not view.step:
        return ""
    done, of = (view.fetched.share, "Download") if is_downloading(view) else (view.fraction, "Training")
    waiting = view.state == "preparing" and not is_downloading(view)
    words = "" if waiting else percent(done)
    return bar(None if waiting else done, f"{of} progress", words, view.state)


def _elsewhere(view: View) -> str:
    """On which other machine it is trained, and when that was heard of; a notice says so of a silent one."""
    return small(f"{view.elsewhere.words}.") if view.elsewhere and not view.is_silent else ""


def _figures(view: View, standing: Standing, now: float) -> str:
    words = [found for figure in FIGURES if (found := figure(view, standing, now))]
    words += gauges.figures(view.gauges)
    spans = (f"<span>{escape(each)}</span>" for each in words)
    return f"<p class='figures'>{' <i>·</i> '.join(spans)}</p>" if words else ""


def _amounts(view: View) -> str:
    if not view.total_steps:
        return ""
    share = f" ({view.trainable / view.parameters:.1%})" if view.parameters else ""
    return small(
        f"Trains on {counted(view.train_rows, 'row')}, evaluates on {counted(view.held_out_rows, 'held-out row')}. "
        f"{amount(view.trained_tokens)} trained tokens per epoch. "
        f"{amount(view.trainable)} of {amount(view.parameters)} parameters are trainable{share}."
    )


def _answer(who: str, text: str, kind: str) -> str:
    body = escape(text.strip()) or "<span class='small'>(nothing)</span>"
    return f"<div class='{kind}'><dt>{escape(who)}</dt><dd>{body}</dd></div>"
