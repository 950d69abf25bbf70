"""The conversation as HTML: each question across the page, its answers side by side."""

from functools import lru_cache
from html import escape

from finetune import format
from finetune.data.thoughts import parted
from finetune.inference.chat import differences
from finetune.inference.integrity import Check, Integrity
from finetune.inference.panel import Answering, Column, Said
from finetune.ui import views
from finetune.ui.compare import markdown
from finetune.ui.compare.markdown import RECENT
from finetune.ui.compare.talk import Talk, Turn, title

PANE = """
const open = new Set();
let at = '';
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-pick]');
  if (button) trigger(button.dataset.pick.startsWith('retry:') ? 'retry' : 'pick', {pick: button.dataset.pick});
  const fold = event.target.closest('summary')?.parentElement;
  if (fold) open[fold.open ? 'delete' : 'add'](fold.dataset.more);
});
document.addEventListener('focusin', event => {
  const held = element.contains(event.target) && event.target.closest('[data-keep]');
  at = held ? held.dataset.keep : '';
});
document.addEventListener('pointerdown', event => { if (!element.contains(event.target)) at = ''; });
watch('value', () => requestAnimationFrame(() => {
  for (const each of element.querySelectorAll('[data-more]')) each.open = open.has(each.dataset.more);
  if (!at || document.activeElement !== document.body) return;
  const held = [at, at.replace('keep:', 'correct:')].map(each => element.querySelector(`[data-keep="${each}"]`));
  held.find(each => each)?.focus();
}));
"""
"""A button tells which one it is: 'retry' asks again, any other is a 'pick'. What is redrawn keeps its open folds and
its focus; where the button that had it is gone, the one after it has it."""


def pane(talk: Talk, mark: bool, is_busy: bool = False) -> str:
    """The conversation; ``mark`` marks the words that differ, ``is_busy`` is true while the last turn is answered."""
    titles = [title(column, talk.run_id) for column in talk.columns]
    wide = _width(talk)
    heads = "".join(f"<h3>{escape(each)}</h3>" for each in titles)
    heads = f"<div class='sides heads {wide}'>{heads}</div>"
    if not talk.turns:
        words = [_first_words(column, talk.run_id) for column in talk.columns]
        first = "".join(_column(each, f"<p>{told}</p>") for each, told in zip(titles, words))
        return f"{heads}<div class='sides quiet {wide}'>{first}</div>"
    drawn = []
    for place, turn in enumerate(talk.turns):
        is_last = place == len(talk.turns) - 1
        answers = _answers(turn, place, titles, mark, is_busy, is_last)
        drawn.append(f"{_question(turn, place, is_busy)}<div class='sides {wide}'>{''.join(answers)}</div>")
    return f"{heads}<div role='log' aria-label='Conversation'>{''.join(drawn)}</div>"


def _first_words(column: Column, run_id: str) -> str:
    """What a column is, as a sentence, before anything is asked."""
    if column.run != run_id:
        return "The tuned model of another run."
    if column.step is not None:
        return "A checkpoint of this run."
    return f"The model {'before' if column.is_base else 'after'} training."


def _width(talk: Talk) -> str:
    """The class that says how many columns there are; an expected answer is one beside two others."""
    count = len(talk.columns)
    return f"of-{count + 1}" if count == 2 and any(turn.expected for turn in talk.turns) else f"of-{count}"


def nothing_yet() -> str:
    """What the view says before any run is finished."""
    return views.empty("No run is finished yet.", "Train one first. Then you ask both models the same question here.")


def integrity_line(integrity: Integrity | None) -> str:
    """What was checked of the comparison, in one line that opens to the checks; empty if nothing was."""
    if integrity is None:
        return ""
    checks = "".join(_check(each) for each in integrity.checks)
    return (
        f"<details class='integrity' data-more='integrity'><summary>{escape(integrity.line)}</summary>"
        f"<ul class='notes'>{checks}</ul></details>"
    )


def _check(check: Check) -> str:
    kind = "error" if not check.passed else "warning" if check.warns else "passed"
    words = f"{check.words} {check.hint}".rstrip()
    return f"<li class='{kind}'><b>{escape(views.capital(check.name))}.</b> {escape(words)}</li>"


def facts(answering: Answering, is_stopped: bool = False) -> str:
    """How the answers were made, in a line."""
    parts = [
        *(["Continues the text (no chat template)"] if answering.continues_text else []),
        views.capital(answering.how.reason),
        *([] if answering.is_same_tokens else ["the bases differ, so tokens and tokens/s are not the same measure"]),
        *(["stopped"] if is_stopped else []),
    ]
    return f"<p class='figures'>{' <i>·</i> '.join(map(escape, parts))}</p>"


def measures(said: Said) -> str:
    """How fast an answer came, how long it is, and whether it is truncated."""
    parts = [
        *([f"first token after {said.first_s:.2f} s"] if said.first_s is not None else []),
        f"{format.amount(said.tokens_per_s)} tokens/s",
        format.counted(said.tokens, "token", "tokens"),
        *([f"truncated at {format.amount(said.tokens)} tokens"] if said.is_truncated else []),
    ]
    return f"<p class='small measures'>{' <i>·</i> '.join(f'<span>{escape(each)}</span>' for each in parts)}</p>"


def _question(turn: Turn, place: int, is_busy: bool) -> str:
    return (
        "<div class='asked'><p class='question' dir='auto'><span class='visually-hidden'>You asked: </span>"
        f"{escape(turn.question)}</p>{'' if is_busy else _question_moves(turn, place)}</div>"
    )


def _answers(turn: Turn, place: int, titles: list[str], mark: bool, is_busy: bool, is_last: bool) -> list[str]:
    """The answer of each column, and the expected one."""
    texts = [parted(said.text) for said in turn.said] or [("", "")] * len(titles)
    marked = _marked(tuple(rest for _, rest in texts)) if mark else [""] * len(titles)
    columns = []
    for at, (each, (thought, rest)) in enumerate(zip(titles, texts)):
        is_waiting = is_busy and is_last and not (rest or thought)
        body = marked[at] or f"<div class='formatted' dir='auto'>{markdown.html(rest)}</div>"
        body = _thinking(thought, f"{place}-{at}") + (body if rest else "")
        wait = "<span class='waiting' aria-label='generating'>…</span>" if is_waiting else ""
        columns.append(_column(each, body + wait + _foot(turn, place, at, each, is_busy)))
    return [*columns, _expected(turn.expected)] if turn.expected else columns


def _column(name: str, body: str) -> str:
    kind = name.lower() if name in ("Base", "Tuned") else "other"
    return f"<div class='answer {kind}'><span class='side'>{escape(name)}</span>{body}</div>"


def _expected(answer: str) -> str:
    """The answer in the data, quietly beside those of the models."""
    text = f"<div class='formatted' dir='auto'>{markdown.html(answer)}</div>"
    return f"<div class='answer expected'><p class='small'>Expected, from the data</p>{text}</div>"


@lru_cache(RECENT)
def _marked(texts: tuple[str, ...]) -> list[str]:
    """The answers as plain text, the words marked in which they and the first differ; empty for an empty one."""
    base, *others = texts
    found = [differences(base, other) for other in others]
    first = found[0][0] if base and others and others[0] else [(base, None)]
    pieces = [first, *(pair[1] if base else [(other, None)] for pair, other in zip(found, others))]
    return [f"<div class='plain' dir='auto'>{_pieces(each)}</div>" if text else "" for each, text in zip(pieces, texts)]


def _pieces(parts: list[tuple[str, str | None]]) -> str:
    return "".join(f"<mark class='differs'>{escape(text)}</mark>" if sign else escape(text) for text, sign in parts)


def _thinking(thought: str, key: str) -> str:
    if not thought:
        return ""
    return (
        f"<details class='thinking' data-more='thinking-{key}'><summary data-keep='thinking-{key}'>Thinking</summary>"
        f"<div class='plain' dir='auto'>{escape(thought)}</div></details>"
    )


def _foot(turn: Turn, place: int, at: int, name: str, is_busy: bool) -> str:
    """The score, the measures and the buttons under an answer."""
    score = f"<span class='small score'>Score {turn.scores[at]:.2f}</span>" if turn.scores else ""
    if not turn.is_done:
        return score
    return score + measures(turn.said[at]) + ("" if is_busy else _answer_moves(turn, place, at, name))


def _question_moves(turn: Turn, place: int) -> str:
    asked = f"“{turn.question[:80]}”"
    words = "Retry, greedy" if turn.is_greedy else f"Retry with seed {turn.next_seed}"
    retry = _button(f"retry:{place}", words, f"ask {asked} again")
    return f"<span class='moves'>{retry}{_button(f'edit:{place}', 'Edit', f'change {asked} and ask again')}</span>"


def _answer_moves(turn: Turn, place: int, at: int, name: str) -> str:
    of = f"the answer of “{name}” to question {place + 1}"
    parts = []
    if at in turn.kept:
        parts.append("<span class='small'>Kept as a training row</span>")
    elif is_whole(turn, at):
        parts.append(_button(f"keep:{place}:{at}", "Keep as training row", of))
    if at in turn.corrected:
        parts.append("<span class='small'>Corrected, kept as a pair</span>")
    else:
        parts.append(_button(f"correct:{place}:{at}", "Correct", of))
    return f"<p class='moves'>{''.join(parts)}</p>"


def is_whole(turn: Turn, at: int) -> bool:
    """True if the model has ended the answer in column ``at`` by itself."""
    said = turn.said[at]
    return bool(said.text.strip()) and not said.is_truncated and not turn.is_stopped


def _button(pick: str, words: str, about: str) -> str:
    """A small button that keeps the focus when the pane is redrawn; its name begins with its words."""
    return (
        f"<button type='button' class='fix' data-pick='{escape(pick)}' data-keep='{escape(pick)}' "
        f"aria-label='{escape(words)}: {escape(about)}'>{escape(words)}</button>"
    )
