"""The voting booth: one question at a time, two answers without names, and what a voter can do about them.

The Blind test view and the page for invited voters share it. Nothing that it sends says which answer is whose, before
the voter sees the result: answers are A and B, and which is which is kept on the disk alone.
"""

from dataclasses import dataclass
from html import escape
from typing import Literal

from finetune.errors import RunError
from finetune.evaluation import ballot, votes
from finetune.evaluation.ballot import Ballot
from finetune.evaluation.order import Shown, order
from finetune.evaluation.rounds import Round
from finetune.evaluation.tally import tally
from finetune.runs.run import Run
from finetune.ui import views
from finetune.ui.compare import result
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

Stage = Literal["none", "waiting", "voting", "finished", "result"]
"""``none``: no blind test; ``waiting``: answers are not there yet; ``finished``: the voter has judged all of them."""
MARKS = (("a", "A is better", "1"), ("b", "B is better", "2"), ("tie", "Tie", "3"), ("bad", "Both bad", "4"))
"""What a voter can say, in the order of the buttons: mark, words, key."""
JUDGED = "Questions judged"
KEYS = "Keys: 1 or A, 2 or B, 3 or T for a tie, 4 or X for both bad; ← and → choose A and B; U undoes."

AT_ONCE = {"queue": False, "trigger_mode": "multiple", **QUIET}
"""Of the event of a vote: Gradio itself drops a click that comes before it has tidied up after the one before."""
VOTER = """
(voter, ...rest) => {
  let id = window.studioVoter;
  try { id = localStorage.getItem('finetune-studio-voter') || id; } catch { }
  id = id || Array.from(crypto.getRandomValues(new Uint8Array(16)), n => n.toString(16).padStart(2, '0')).join('');
  window.studioVoter = id;
  try { localStorage.setItem('finetune-studio-voter', id); } catch { }
  return [id, ...rest];
}
"""
"""Puts the browser's voter id, which it draws once and remembers, in place of an event's first input."""

BOARD = """
const PATIENCE_MS = 4000;
const MARKS = {1: 'a', 2: 'b', 3: 'tie', 4: 'bad', a: 'a', b: 'b', t: 'tie', x: 'bad', ArrowLeft: 'a', ArrowRight: 'b'};
let sent = null, sentAt = 0;
const pick = button => {
  if (!button || (sent?.isConnected && Date.now() - sentAt < PATIENCE_MS)) return;
  sent = button; sentAt = Date.now();
  trigger('pick', {pick: button.dataset.pick});
};
element.addEventListener('click', event => {
  pick(event.target.closest('button[data-pick]'));
});
document.addEventListener('keydown', event => {
  if (!element.isConnected || element.offsetParent === null || event.ctrlKey || event.metaKey) return;
  const at = event.target;
  if (event.altKey || event.repeat || at.isContentEditable) return;
  if (at.closest?.('input, textarea, select')) return;
  if (event.key.startsWith('Arrow') && at.closest?.('[role=tab]')) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const mark = key === 'u' ? 'undo' : MARKS[key];
  const button = mark && element.querySelector(`button[data-mark="${mark}"]`);
  if (button) { event.preventDefault(); pick(button); }
});
const show = () => {
  if (!sent) return;
  sent = null;
  if (element.getBoundingClientRect().top < 0) element.scrollIntoView();
  if (document.activeElement === document.body) element.querySelector('[data-focus]')?.focus({preventScroll: true});
};
watch('value', show); show();
"""
"""Votes by click and by key; one at a time, so that a quick second key judges no answer that is gone already."""


@dataclass(frozen=True)
class Board:
    """What a voter is shown."""

    html: str
    stage: Stage


def act(studio: Studio, run: Run, voter: str, name: str, pick: str, is_owner: bool = False) -> str:
    """Do what a voter has picked; what they must confirm first (``reveal``, ``again``), or nothing.

    Only the owner of the run may see the result before all questions are judged, or put the test away. What cannot be
    done raises ``RunError``.
    """
    require_voter(voter)
    what, _, mark = pick.partition(":")
    tag, _, question = what.partition("-")
    if mark and question.isdecimal():
        whole = ballot.read(run)
        if whole is None or whole.tag != tag:
            raise RunError("This question is of an earlier blind test, which was put away.", "Go on here.")
        votes.cast(run, voter, int(question), mark, name or "")
    elif what == "undo":
        votes.undo(run, voter)
    elif what in ("reveal", "reveal-now"):
        is_early = stage_of(run, voter) != "finished"
        if is_early and not is_owner:
            raise RunError("The result is shown once you have judged all questions.")
        if is_early and what == "reveal":
            return "reveal"
        votes.reveal(run, voter)
    elif what == "again" and is_owner:
        return "again"
    elif what == "again-now" and is_owner:
        ballot.put_away(run)
    elif what == "retry":
        studio.ballots.ask_rest(run, again=True)
    return ""


def require_voter(voter: str | None) -> str:
    """``voter`` if it is an id that a browser draws; ``RunError`` if not."""
    if not voter or not voter.isalnum() or not voter.isascii() or len(voter) > votes.MOST_ID:
        raise RunError("This browser has no voter id.", "Reload the page, and allow it to run scripts.")
    return voter


def stage_of(run: Run, voter: str) -> Stage:
    """How far ``voter`` is."""
    whole = ballot.read(run)
    return "none" if whole is None else _stage(whole, *_seen(run, whole, voter))


def board(studio: Studio, run: Run, voter: str, confirm: str = "", rounds: list[Round] | None = None) -> Board:
    """What ``voter`` is shown now; answers that are missing are asked for. Only an owner is given ``rounds``."""
    whole, is_owner = ballot.read(run), rounds is not None
    if whole is None:
        return Board("", "none")
    problem = studio.ballots.ask_rest(run) if whole.waiting else None
    notice = (
        views.notice(problem.message, problem.hint, actions=views.pick_button("retry", "Try again")) if problem else ""
    )
    seen, own = _seen(run, whole, voter)
    stage = _stage(whole, seen, own)
    if stage == "result":
        found = votes.read(run)
        shown = result.result(whole, tally(whole, found), rounds)
        return Board(notice + (_confirmed("again") if confirm == "again" else "") + shown, stage)
    if stage == "voting":
        notice += _question(whole, next(each for each in seen if each.asked.id not in own), len(own))
    elif stage == "waiting":
        notice += "" if problem else _waiting(whole, len(own))
    else:
        notice += _finished(whole, len(own))
    return Board(notice + (_confirmed(confirm) if confirm else _below(stage, bool(own), is_owner)), stage)


def _seen(run: Run, whole: Ballot, voter: str) -> tuple[list[Shown], dict | None]:
    """The questions of ``voter``, and their votes; None instead of these once the voter has seen the result."""
    found = votes.read(run)
    return order(whole, run.id, voter), None if voter in found.informed else found.of(voter)


def _stage(whole: Ballot, seen: list[Shown], own: dict | None) -> Stage:
    if own is None:
        return "result"
    if any(each.asked.id not in own for each in seen):
        return "voting"
    return "waiting" if whole.waiting else "finished"


def _question(whole: Ballot, seen: Shown, judged: int) -> str:
    asked, total = seen.asked, len(whole.questions) + whole.waiting
    earlier = "".join(
        f"<p class='earlier'><b>{escape(turn['role'].capitalize())}</b> {escape(turn['content'])}</p>"
        for turn in asked.messages[:-1]
        if turn["role"] != "system"
    )
    answers = "".join(
        f"<article><h4>{name}</h4><div class='text'>{escape(text.strip()) or '<i>No words.</i>'}</div></article>"
        for name, text in (("A", seen.first), ("B", seen.second))
    )
    buttons = "".join(
        f"<button type='button' class='mark' data-mark='{mark}' data-pick='{whole.tag}-{asked.id}:{mark}'>"
        f"{words} <kbd aria-hidden='true'>{key}</kbd></button>"
        for mark, words, key in MARKS
    )
    return (
        f"<section class='ballot'>{views.bar(judged / max(total, 1), JUDGED, f'{judged + 1} of {total}')}"
        f"{earlier}<p class='question' tabindex='-1' data-focus>{escape(asked.question)}</p>"
        f"<div class='two'>{answers}</div>"
        f"<div class='marks' role='group' aria-label='Which answer is better?'>{buttons}</div>"
        f"<p class='small keys'>{KEYS}</p></section>"
    )


def _waiting(whole: Ballot, judged: int) -> str:
    done, total = len(whole.asked), len(whole.plan.prompts)
    words = "You have judged all answers so far. " if judged else ""
    return (
        f"<section class='ballot'>{views.bar(done / max(total, 1), 'Answers written', f'{done} of {total}')}"
        f"<p tabindex='-1' data-focus>{words}The models are being asked; the next answers come soon.</p></section>"
    )


def _finished(whole: Ballot, judged: int) -> str:
    if not whole.questions:
        return views.empty(
            "There is nothing to choose: base and tuned gave the same answer to every question.",
            "Train longer, or ask other questions.",
        )
    return (
        f"<section class='ballot'>{views.bar(1, JUDGED, f'{judged} of {judged}')}"
        f"<p tabindex='-1' data-focus>You have judged {'it' if judged == 1 else f'all {judged}'}. Thank you.</p>"
        "</section>"
    )


def _below(stage: Stage, has_voted: bool, is_owner: bool) -> str:
    buttons = []
    if has_voted:
        buttons.append("<button type='button' class='fix' data-mark='undo' data-pick='undo'>Undo last vote</button>")
    if stage == "finished" or is_owner:
        buttons.append(views.pick_button("reveal", "Show the result"))
    return f"<p class='moves {stage}'>{''.join(buttons)}</p>" if buttons else ""


def _confirmed(what: str) -> str:
    """A notice that asks before something cannot be taken back."""
    if what == "again":
        return views.notice(
            "Start another blind test of this run?",
            "This one is put away with its votes; its files stay in the run's folder.",
            kind="warning",
            actions=views.pick_button("again-now", "Put it away") + views.pick_button("back", "Keep it"),
        )
    return views.notice(
        "Show the result now?",
        "It says which answer is whose, which would bias further votes: your voting ends, and your votes so far count.",
        kind="warning",
        actions=views.pick_button("reveal-now", "Show it and end my voting")
        + views.pick_button("back", "Go on voting"),
    )
