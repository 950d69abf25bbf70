"""Are the answers worth training on?"""

import re
from array import array
from collections.abc import Iterator

from finetune.data.checks.balance import Balance
from finetune.data.checks.check import Check, Evidence, Finding, Seen, Summary, counted_rows, without
from finetune.data.formats import FORMATS
from finetune.data.near import duplicate_positions, has_repeats, text_hash
from finetune.data.secrets import has_any
from finetune.format import percent_of

SAME_SHARE = 0.05
"""The share of rows from which one and the same answer is reported."""
SAME_SHORT_SHARE = 0.2
"""The same for answers of up to ``SHORT`` characters: yes is a good answer to many questions."""
SAME_ROWS = 5
"""The number of rows from which it is reported."""
MEANT_SHARE = 0.2
"""Above it, single-word answers are intended."""

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
"""Every long answer that is boilerplate contains one of these; looking for them is faster than the expression."""
AN_I = "[iıİ]"
"""What Python matches as an i if case is ignored; RE2 matches only the first."""
PREFILTER = (
    rf"(?i)as an? (?:a{AN_I}|art{AN_I}f{AN_I}c{AN_I}al)|lorem {AN_I}psum|{AN_I} (?:cannot|can['’]t|am)"
    rf"|todo|tbd|f{AN_I}xme|xxx"
)
"""Matches every long answer that is boilerplate."""
SHORT = 24
"""Characters up to which an answer may be a placeholder such as "N/A"."""


class Answers(Check):
    """Answers that are empty, a single word, boilerplate, or the same for many questions."""

    order = 75
    prefilter = PREFILTER

    def __init__(self):
        self.empty: list[int] = []
        self.single: list[int] = []
        self.boilerplate: list[int] = []
        self.balance = Balance()
        self.hashes, self.positions, self.short = array("q"), array("q"), bytearray()
        """Of each example with one answer: its hash, the position of the example, and whether the answer is short."""

    def see(self, seen: Seen) -> None:
        self.balance.see(seen)
        for answer in seen.answers:
            if not answer or answer.isspace():
                self.empty.append(seen.row)
            elif is_boilerplate(answer):
                self.boilerplate.append(seen.row)
        if len(seen.answers) == 1:
            answer = seen.answers[0].strip()
            self.hashes.append(text_hash(answer))
            self.positions.append(seen.position)
            self.short.append(len(answer) <= SHORT)
            if answer and len(answer) <= SHORT and not re.search(r"[\s\d]", answer) and answer.isascii():
                self.single.append(seen.row)

    def see_summary(self, summary: Summary) -> None:
        self.balance.see_summary(summary)
        self.hashes.extend(summary.answer_hashes)
        self.positions.extend(summary.answer_positions)
        self.short.extend(bytes(len(summary.answer_hashes)))

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if rows := sorted(set(self.empty)):
            message = f"{counted_rows(len(rows), 'has', 'have')} an empty answer: the model would learn not to answer."
            yield Finding("warning", message, **without(rows), code="empty-answers")
        if self.balance.labels or FORMATS[evidence.dataset.format].has_labels:
            return
        if rows := sorted(set(self.boilerplate)):
            words = counted_rows(len(rows), "has", "have")
            message = f'{words} boilerplate for an answer, such as "N/A" or "I cannot help".'
            yield Finding("warning", message, **without(rows), code="boilerplate")
        known = set(rows)
        if rows := self._most_frequent(evidence, known):
            share = percent_of(len(rows), len(self.hashes))
            message = f"{counted_rows(len(rows), 'gives', 'give')} the same answer to different questions ({share})."
            yield Finding("warning", message, **without(rows), code="same-answer")
        known.update(rows)
        rows = [row for row in self.single if row not in known]
        if rows and len(rows) < MEANT_SHARE * len(self.hashes):
            message = f"{counted_rows(len(rows), 'has', 'have')} a single-word answer."
            yield Finding("info", message, **without(rows), code="one-word-answers")

    def _most_frequent(self, evidence: Evidence, known: set[int]) -> list[int]:
        """The rows with the most frequent answers, without duplicate rows and without ``known`` ones."""
        import numpy as np

        hashes, least = np.frombuffer(self.hashes, np.int64), int(max(SAME_ROWS, SAME_SHARE * len(self.hashes))) + 1
        if not has_repeats(hashes, least):
            return []
        _, answer, times = np.unique(hashes, return_inverse=True, return_counts=True)
        often = [np.flatnonzero(answer == number) for number in np.flatnonzero(times >= least)]
        again = set(duplicate_positions(evidence.fingerprints))
        rows: set[int] = set()
        for places in often:
            positions = {self.positions[place] for place in places} - again
            found = {evidence.dataset.rows[position] for position in positions} - known
            share = SAME_SHORT_SHARE if self.short[places[0]] else SAME_SHARE
            rows |= found if len(found) > max(SAME_ROWS, share * len(self.hashes)) else set()
        return sorted(rows)


def is_boilerplate(answer: str) -> bool:
    """True if ``answer`` is, or contains, a phrase that people and programs write instead of an answer."""
    return (len(answer) <= SHORT or has_any(answer.lower(), MARKS)) and bool(BOILERPLATE.search(answer))
