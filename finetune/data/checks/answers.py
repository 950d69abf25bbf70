"""Are the answers worth learning?"""

import re
from array import array
from collections.abc import Iterator

from finetune.data.checks.balance import Balance
from finetune.data.checks.check import Check, Evidence, Finding, Seen, Summary, told, without
from finetune.data.near import come_often, number_of, repeats
from finetune.data.secrets import has_any
from finetune.format import percent_of

SAME_SHARE = 0.05
"""The share of rows from which one and the same answer stands out."""
SAME_SHORT_SHARE = 0.2
"""The same for answers of up to ``SHORT`` characters: many questions have yes for a good answer."""
SAME_ROWS = 5
"""So often at least."""
MEANT_SHARE = 0.2
"""Above it, short answers are what is wanted, not a slip."""

BOILERPLATE = re.compile(
    r"\b(?:as an? (?:ai|artificial intelligence)(?: language)?(?: model| assistant)?\b|lorem ipsum)"
    r"|^\W*(?:i(?:['’]m| am) (?:sorry|afraid),? (?:but )?)?i (?:cannot|can['’]t|am unable to|am not able to) "
    r"(?:help|assist|answer|do|provide|fulfil|comply|respond|generate|create|write|continue)"
    r"|^\W*(?:todo|tbd|fixme|xxx+)\b"
    r"|^\W*(?:n/?a|none|null|nil|nan|undefined|unknown|test|asdf+|placeholder|no answer)\W*$"
    r"|^\W+$",
    re.IGNORECASE,
)
MARKS = ("as a", "lorem", "i ca", "i am ", "todo", "tbd", "fixme", "xxx")
"""Every long answer that is boilerplate holds one of these, and finding out takes less time than the expression."""
AN_I = "[iıİ]"
"""What Python takes for an i where case does not count; RE2 has the first only."""
PREFILTER = (
    rf"(?i)as an? (?:a{AN_I}|art{AN_I}f{AN_I}c{AN_I}al)|lorem {AN_I}psum|{AN_I} (?:cannot|can['’]t|am)"
    rf"|todo|tbd|f{AN_I}xme|xxx"
)
"""A long answer that is boilerplate has one of these."""
SHORT = 24
"""Characters up to which an answer may be a placeholder such as "N/A"."""


class Answers(Check):
    """Answers that are empty, a single word, or phrases that were put where an answer should be."""

    order = 75
    prefilter = PREFILTER

    def __init__(self):
        self.empty: list[int] = []
        self.single: list[int] = []
        self.boilerplate: list[int] = []
        self.balance = Balance()
        self.said, self.positions, self.short = array("q"), array("q"), bytearray()
        """Of each example with one answer: its hash, where the example is, and whether the answer is short."""

    def see(self, seen: Seen) -> None:
        self.balance.see(seen)
        for answer in seen.answers:
            if not answer or answer.isspace():
                self.empty.append(seen.row)
            elif is_boilerplate(answer):
                self.boilerplate.append(seen.row)
        if len(seen.answers) == 1:
            answer = seen.answers[0].strip()
            self.said.append(number_of(answer))
            self.positions.append(seen.position)
            self.short.append(len(answer) <= SHORT)
            if answer and len(answer) <= SHORT and not re.search(r"[\s\d]", answer) and answer.isascii():
                self.single.append(seen.row)

    def pass_over(self, summary: Summary) -> None:
        self.balance.pass_over(summary)
        self.said.extend(summary.said)
        self.positions.extend(summary.answered)
        self.short.extend(bytes(len(summary.said)))

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        if rows := sorted(set(self.empty)):
            message = f"{told(len(rows), 'has', 'have')} an empty answer: the model would learn to say nothing."
            yield Finding("warning", message, **without(rows), code="empty-answers")
        if self.balance.labels:
            return
        if rows := sorted(set(self.boilerplate)):
            message = (
                f'{told(len(rows), "has", "have")} a stock phrase for an answer, such as "N/A" or "I cannot help".'
            )
            yield Finding("warning", message, **without(rows), code="boilerplate")
        known = set(rows)
        if rows := self._most_said(evidence, known):
            share = percent_of(len(rows), len(self.said))
            message = f"{told(len(rows), 'gives', 'give')} the very same answer to other questions ({share})."
            yield Finding("warning", message, **without(rows), code="same-answer")
        known.update(rows)
        rows = [row for row in self.single if row not in known]
        if rows and len(rows) < MEANT_SHARE * len(self.said):
            message = f"{told(len(rows), 'has', 'have')} a single word for an answer."
            yield Finding("info", message, **without(rows), code="one-word-answers")

    def _most_said(self, evidence: Evidence, known: set[int]) -> list[int]:
        """The rows with the answers that stand out; rows that repeat others whole, and ``known`` ones, left out."""
        import numpy as np

        said, least = np.frombuffer(self.said, np.int64), int(max(SAME_ROWS, SAME_SHARE * len(self.said))) + 1
        if not come_often(said, least):
            return []
        _, answer, times = np.unique(said, return_inverse=True, return_counts=True)
        often = [np.flatnonzero(answer == number) for number in np.flatnonzero(times >= least)]
        again = set(repeats(evidence.fingerprints))
        rows: set[int] = set()
        for places in often:
            positions = {self.positions[place] for place in places} - again
            found = {evidence.dataset.rows[position] for position in positions} - known
            share = SAME_SHORT_SHARE if self.short[places[0]] else SAME_SHARE
            rows |= found if len(found) > max(SAME_ROWS, share * len(self.said)) else set()
        return sorted(rows)


def is_boilerplate(answer: str) -> bool:
    """True if ``answer`` is, or has in it, a phrase that stands where an answer should be."""
    return (len(answer) <= SHORT or has_any(answer.lower(), MARKS)) and bool(BOILERPLATE.search(answer))
