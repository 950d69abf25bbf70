"""The result of a blind test: the verdict, a bar, who won each question with names revealed, and the rounds so far."""

from html import escape

from finetune.evaluation.ballot import Asked, Ballot
from finetune.evaluation.rounds import Round
from finetune.evaluation.tally import Tally, beside, company, verdict
from finetune.format import counted, percent
from finetune.ui import views

OUTCOMES = {
    "tuned": "Tuned",
    "base": "Base",
    "tie": "Tie",
    "bad": "Both bad",
    "split": "Voters split",
    "open": "No vote",
}

NAMES = "Base is the model before its training, tuned the same model after it."
"""What invited voters are told, who see nothing else of the studio."""
LONG = 240
"""Characters of an answer that a cell shows at once."""


def result(whole: Ballot, found: Tally, rounds: list[Round] | None) -> str:
    """The whole result; the ``rounds`` and what an owner can do next are left out without them."""
    words = (beside(found), left_out(whole), company(found), NAMES if rounds is None else "")
    sentences = [escape(each) for each in words if each]
    parts = [
        f"<p class='verdict' tabindex='-1' data-focus>{escape(verdict(found))}</p>",
        bar(found),
        "".join(f"<p class='small'>{each}</p>" for each in sentences),
        voters(found),
        chain(rounds) if rounds else "",
        questions(whole, found),
    ]
    again = (
        f"<p class='moves'>{views.pick_button('again', 'Start another blind test')}</p>" if rounds is not None else ""
    )
    return f"<section class='verdicts'>{''.join(parts)}{again}</section>"


def bar(found: Tally) -> str:
    """Wins, undecided questions and losses as parts of one bar, with their counts."""
    rest = found.count("tie", "bad", "split")
    parts = [("tuned", found.wins, "Tuned"), ("rest", rest, "Neither"), ("base", found.losses, "Base")]
    if not any(count for _, count, _ in parts):
        return ""
    spans = "".join(f"<span class='{name}' style='flex-grow:{count}'></span>" for name, count, _ in parts if count)
    legend = "".join(f"<span class='key-{name}'>{words} {count}</span>" for name, count, words in parts)
    return f"<div class='shares' aria-hidden='true'>{spans}</div><p class='legend shares-legend'>{legend}</p>"


def voters(found: Tally) -> str:
    """The win rate of each voter; empty for one."""
    if len(found.voters) < 2:
        return ""
    rows = "".join(
        f"<li><b>{escape(voter.name)}</b>: {_rate(voter.wins, voter.losses)}, "
        f"{counted(voter.ties, 'tie')}, {voter.bad} both bad</li>"
        for voter in found.voters
    )
    return f"<details><summary>Voter by voter</summary><ul>{rows}</ul></details>"


def _rate(wins: int, losses: int) -> str:
    if not wins + losses:
        return "no preference"
    return f"tuned in {wins} of {wins + losses} ({percent(wins / (wins + losses))})"


def chain(rounds: list[Round]) -> str:
    """The rounds with their win rates, the first one first."""
    steps = "".join(
        f"<li>Round {n}: {escape(each.name)}, <b>{escape(each.result)}</b></li>" for n, each in enumerate(rounds, 1)
    )
    words = "Win rate of each round's tuned model over the untouched base, by the votes on it."
    return f"<h4>Rounds</h4><ol class='rounds'>{steps}</ol>{views.small(words)}"


def questions(whole: Ballot, found: Tally) -> str:
    """Each question with both answers and the one that was preferred."""
    rows = "".join(_row(each, found.outcomes[each.id]) for each in whole.questions)
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Question", "Base", "Tuned", "Preferred"))
    if not rows:
        return ""
    return (
        "<details><summary>Question by question</summary>"
        f"<div class='wide'><table class='runs judged'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        "</div></details>"
    )


def _row(each: Asked, outcome: str) -> str:
    cells = "".join(
        f"<td data-label='{name}'{' class=chosen' if name.lower() == outcome else ''}>{_text(text.strip())}</td>"
        for name, text in (("Base", each.base), ("Tuned", each.tuned))
    )
    return (
        f"<tr><th scope='row'>{escape(each.question)}</th>{cells}"
        f"<td data-label='Preferred'>{escape(OUTCOMES[outcome])}</td></tr>"
    )


def _text(text: str) -> str:
    """``text`` for a cell; a long one is folded after its beginning."""
    if len(text) <= LONG:
        return escape(text)
    cut = text.rfind(" ", 0, LONG) + 1 or LONG
    return f"<details><summary>{escape(text[:cut])}…</summary>{escape(text[cut:])}</details>"


def left_out(whole: Ballot) -> str:
    """The questions that nobody can judge, as a sentence; empty if there are none."""
    parts = []
    if whole.equal:
        parts.append(f"{counted(whole.equal, 'question')} with two equal answers")
    if whole.refused:
        parts.append(f"{counted(len(whole.refused), 'question')} that the models could not be asked")
    return f"Left out: {' and '.join(parts)}." if parts else ""
