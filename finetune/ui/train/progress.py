"""How a run looks on the Train tab: its head with the bar, its answers as it learns, its choices and notes."""

import time
from html import escape

from finetune.format import amount, counted, duration, percent, size
from finetune.runs.view import ACTIVE, View
from finetune.ui.train.outcome import outcome
from finetune.ui.train.standing import Standing
from finetune.ui.views import PHASE_WORDS, state_words

STOPPING_WORDS = {
    "stop": "Stopping after this step",
    "pause": "Pausing after this step",
    "yield": "Saving, as the program ends",
}
"""What was asked of a run that is about to end, as what it does."""


def head(view: View, standing: Standing = Standing(), now: float | None = None) -> str:
    """The state, the bar, one line of figures, and what has become of it with the next step."""
    now = now or time.time()
    parts = [_title(view, standing, now), _bar(view), _figures(view, standing, now), outcome(view, standing, now)]
    return f"<section class='run-head'>{''.join(parts)}</section>"


def spoken(view: View) -> str:
    """What a screen reader is told: the phase, and each tenth of the way, not every second."""
    if view.state == "running" and view.phase == "training":
        return f"{escape(view.name)}: training, {view.fraction * 10 // 1 * 10:.0f} % done."
    return f"{escape(view.name)}: {escape(_phase(view))}."


def answers(view: View) -> str:
    """The fixed questions with the base model's answer and the tuned one's at each check; empty before the first."""
    if not view.samples:
        return ""
    blocks = []
    for index, first in enumerate(view.samples[0].answers):
        lines = [_answer("base", first.base, "base")]
        lines += [
            _answer(f"step {sample.step}" if sample.step else "start", sample.answers[index].tuned, "tuned")
            for sample in view.samples
            if sample.step and index < len(sample.answers)
        ]
        blocks.append(f"<article><h4>{escape(first.prompt)}</h4><dl>{''.join(lines)}</dl></article>")
    return f"<section class='answers'><h3>The same questions, as it learns</h3>{''.join(blocks)}</section>"


def details(view: View) -> str:
    """What was chosen for the person and why, what they should know, and with which libraries it ran."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(choice.what.replace('_', ' '))}</th><td>{escape(choice.value)}</td>"
        f"<td>{escape(choice.reason)}</td></tr>"
        for choice in view.choices
    )
    table = f"<table class='choices'><tbody>{rows}</tbody></table>" if rows else ""
    notes = "".join(f"<li class='{note.level}'>{escape(note.message)}</li>" for note in _notes(view))
    versions = ", ".join(f"{name} {version}" for name, version in view.versions.items())
    parts = [table, _fallbacks(view), f"<ul class='notes'>{notes}</ul>" if notes else "", _amounts(view)]
    if versions:
        parts.append(f"<p class='small'>{escape(view.device)}. {escape(versions)}.</p>")
    return "".join(parts) or "<p class='small'>Nothing yet.</p>"


def _fallbacks(view: View) -> str:
    """What was given up for want of memory, with the settings that changed."""
    fallbacks = "".join(
        f"<li>{escape(fallback.reason)} <span class='small'>"
        f"{escape(', '.join(f'{path}: {value}' for path, value in fallback.settings.items()))}</span></li>"
        for fallback in view.fallbacks
    )
    return f"<h4>Given up for want of memory</h4><ol class='rungs'>{fallbacks}</ol>" if fallbacks else ""


def _notes(view: View) -> list:
    """The notes, without those that say once more what was given up for want of memory."""
    return [
        note for note in view.notes if not any(note.message.endswith(fallback.reason) for fallback in view.fallbacks)
    ]


def _title(view: View, standing: Standing, now: float) -> str:
    words, look = _phase(view, standing), view.state
    if view.is_stalled(now):
        words, look = f"Not heard of for {duration(now - view.heard_at)}", "stalled"
    return f"<h3>{escape(view.name)} <span class='state {look}'>{escape(words)}</span></h3>"


def _phase(view: View, standing: Standing = Standing()) -> str:
    if view.state in ("preparing", "running"):
        return PHASE_WORDS.get(view.phase, "Getting ready")
    if view.state == "stopping":
        return STOPPING_WORDS.get(standing.asked, "Saving where it is")
    return state_words(view).capitalize()


def _bar(view: View) -> str:
    if view.state in ("failed", "interrupted", "queued") and not view.step:
        return ""
    share = percent(view.fraction)
    waiting = view.state == "preparing"
    value = "" if waiting else f" aria-valuenow='{view.fraction * 100:.0f}'"
    return (
        f"<div class='progress'><div class='bar{' waiting' if waiting else ''} {view.state}' role='progressbar'"
        f" aria-label='Training progress' aria-valuemin='0' aria-valuemax='100'{value}>"
        f"<span style='width:{view.fraction * 100:.1f}%'></span></div><b>{'' if waiting else share}</b></div>"
    )


def _figures(view: View, standing: Standing, now: float) -> str:
    parts = [f"starts from {standing.origin}"] if standing.origin else []
    if view.total_steps:
        parts.append(f"step {amount(view.step)} of {amount(view.total_steps)}")
    if view.state in ACTIVE and view.started_at and not view.step:
        parts.append(f"{duration(now - view.started_at)} so far")
    if view.elapsed_s:
        parts.append(f"{duration(view.elapsed_s)} of training")
    if view.eta_s:
        parts.append(f"{duration(view.eta_s)} left")
    if view.tokens_per_s:
        parts.append(f"{amount(view.tokens_per_s)} tokens/s")
    if view.memory_bytes:
        parts.append(f"{size(view.memory_bytes)} of memory in all")
    return f"<p class='figures'>{' <i>·</i> '.join(escape(part) for part in parts)}</p>" if parts else ""


def _amounts(view: View) -> str:
    if not view.total_steps:
        return ""
    share = f" ({view.trainable / view.parameters:.1%})" if view.parameters else ""
    return (
        f"<p class='small'>Learns from {counted(view.train_rows, 'row')}, is checked on "
        f"{amount(view.held_out_rows)} held-out. "
        f"{amount(view.trained_tokens)} tokens are learnt each time through. "
        f"{amount(view.trainable)} of {amount(view.parameters)} weights move{share}.</p>"
    )


def _answer(who: str, text: str, kind: str) -> str:
    body = escape(text.strip()) or "<span class='small'>(nothing)</span>"
    return f"<div class='{kind}'><dt>{escape(who)}</dt><dd>{body}</dd></div>"
