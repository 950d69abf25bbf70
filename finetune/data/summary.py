"""Many examples as one summary: which are candidates to be looked at one by one, and what is known of the others.

What a check can find in a text its pre-filter matches (``Check.prefilter``), and most texts match none. All pre-filters
are one expression of RE2, which takes two nanoseconds per letter outside the interpreter's lock. Where rows stand in a
file as plain columns (``formats.Plain``), that was done while it was read (``texts``), and their examples are not even
made. Nothing is a guess: what no pre-filter matches has nothing.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

from finetune.data import near
from finetune.data.checks import CHECKS
from finetune.data.checks.check import Seen, Summary, look
from finetune.data.examples import Examples
from finetune.data.formats import FORMATS
from finetune.data.texts import CALM, LONG, LONG_CHARACTERS, PROSE

KINDS = ("chat", "prompt", "text")
"""Kinds of examples that are taken in at a glance; pairs and ratings are compared one by one."""
PREFILTER = "|".join(f"(?:{one.prefilter})" for one in CHECKS if one.prefilter)
"""Stands in every text in which a check could find something."""
PREFILTER += "".join(f"|{form.unless}" for form in FORMATS.values() if form.unless)
ROWS, CHARACTERS = 500, 2**22
"""So many examples are made at once, up to so many characters."""
BYTES = 2**22
"""Examples from lines of a file are taken in so many bytes at once."""


def summaries(examples: Sequence[dict], rows: Sequence[int], kind: str) -> Iterator[Summary]:
    """All ``examples``, which are of this ``kind`` and from these ``rows``, in order."""
    if isinstance(examples, Examples) and examples.plain and kind in KINDS:
        yield from _by_columns(examples, rows)
    else:
        yield from _one_by_one(zip(range(len(examples)), rows, examples), kind)


def _one_by_one(given: Iterable[tuple[int, int, dict]], kind: str) -> Iterator[Summary]:
    """Examples, each with its position and row, made some at once."""
    batch, size = [], 0
    for position, row, example in given:
        batch.append(look(position, row, example))
        size += len(batch[-1].text) + len(batch[-1].tools)
        if len(batch) == ROWS or size > CHARACTERS:
            yield _summary(batch, kind)
            batch, size = [], 0
    if batch:
        yield _summary(batch, kind)


def _summary(batch: list[Seen], kind: str) -> Summary:
    """What is known of examples that were made."""
    signed = _signed([seen.all_text for seen in batch]) if kind in KINDS else repeat(True)
    candidates, others = [], []
    for seen, is_signed in zip(batch, signed):
        (candidates if is_signed or not all(map(_is_long, seen.answers)) else others).append(seen)
    single = [seen for seen in others if len(seen.answers) == 1]
    return Summary(
        batch[0].position,
        array("q", (near.fingerprint(seen.example) for seen in batch)),
        candidates,
        Counter(seen.turns for seen in batch if seen.turns),
        array("q", (near.number_of(seen.answers[0].strip()) for seen in single)),
        array("q", (seen.position for seen in single)),
    )


def _is_long(answer: str) -> bool:
    return len(answer) > LONG_CHARACTERS and len(answer.strip()) > LONG_CHARACTERS


def _signed(texts: list[str]) -> list[bool]:
    """Whether each of the texts has one of the ``PREFILTER``."""
    import pyarrow
    import pyarrow.compute as pc

    try:
        column = pyarrow.array(texts, pyarrow.large_string())
    except UnicodeEncodeError:  # half a character, which is no sign
        column = pyarrow.array([text.encode("utf-8", "replace") for text in texts]).cast(pyarrow.large_string())
    return pc.match_substring_regex(column, PREFILTER).to_pylist()


def _by_columns(examples: Examples, rows: Sequence[int]) -> Iterator[Summary]:
    """Examples that are nothing but columns of a file, where that is so; the others are made."""
    known = _Known(examples)
    start = 0
    while start < len(examples):
        stop = examples.within(start, BYTES)
        positions = (known.candidates(start, stop) + start).tolist()
        made = zip(positions, (rows[position] for position in positions), examples.picked(positions))
        yield known.summary(start, stop, [look(*each) for each in made])
        start = stop


class _Known:
    """What is known of examples from the texts in their columns, as these were read."""

    def __init__(self, examples: Examples):
        import numpy as np

        plain = examples.plain
        self._turns = [(role, examples.texts(column)) for role, column in plain.turns]
        self._answer = next((texts for role, texts in self._turns if role == "assistant"), None)
        self._rows = examples.positions()
        self._system = plain.system
        has_sign = plain.system and any(_signed([plain.system]))  # every example then has it
        self._is_calm = np.full(len(self._rows), not has_sign)
        for _, texts in self._turns:
            self._is_calm &= texts.have(PROSE | CALM)[self._rows]
        if self._answer is not None:
            self._is_calm &= self._answer.have(LONG)[self._rows]

    def candidates(self, start: int, stop: int):
        """Which examples, counted from ``start``, have to be made."""
        import numpy as np

        return np.flatnonzero(~self._is_calm[start:stop])

    def summary(self, start: int, stop: int, candidates: list[Seen]) -> Summary:
        """What is known of the examples from ``start`` up to ``stop``, with those that had to be made."""
        import numpy as np

        others = np.flatnonzero(self._is_calm[start:stop])
        at = self._rows[start:stop][others]
        fingerprints = np.zeros(stop - start, np.int64)
        fingerprints[others] = self._fingerprints(at)
        fingerprints = array("q", fingerprints.tobytes())
        for seen in candidates:
            fingerprints[seen.position - start] = near.fingerprint(seen.example)
        turns = Counter(seen.turns for seen in candidates if seen.turns)
        if self._answer is None:
            return Summary(start, fingerprints, candidates, turns)
        turns[len(self._turns)] += len(others)
        said, answered = _at(self._answer.trimmed, at), others + start
        return Summary(
            start, fingerprints, candidates, turns, array("q", said.tobytes()), array("q", answered.tobytes())
        )

    def _fingerprints(self, at):
        """``near.fingerprint`` of the examples from the rows ``at``, whose texts are all numbered."""
        import numpy as np

        told = [near.number_of("system"), near.number_of(self._system)] if self._system else []
        for role, texts in self._turns:
            told += near.number_of(role), _at(texts.numbers, at)
        folded = np.zeros(len(at), np.uint64)
        for number in told:
            folded = folded * np.uint64(near.FOLD) + np.asarray(number, np.int64).view(np.uint64)
        return folded.view(np.int64)


def _at(numbers: array, positions):
    """Those of the ``numbers`` at these ``positions`` (int64)."""
    import numpy as np

    return np.frombuffer(numbers, np.int64)[positions] if len(positions) else np.zeros(0, np.int64)
