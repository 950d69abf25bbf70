"""Summaries of many examples: the candidates that checks see one by one, and what is known of the others.

Every text in which a check can find something matches its pre-filter (``Check.prefilter``), and most texts match none.
All pre-filters are one RE2 expression, which takes two nanoseconds per character outside the GIL. If the rows of a file
are plain columns (``formats.Plain``), it was matched during reading (``texts``), and their examples are not even made.
The result is exact: in a text that matches no pre-filter, no check finds anything.
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
"""Kinds of examples that are summarized; pairs and ratings are checked one by one."""
PREFILTER = "|".join(f"(?:{one.prefilter})" for one in CHECKS if one.prefilter)
"""The pre-filter: matches every text in which a check could find something."""
PREFILTER += "".join(f"|{form.unless}" for form in FORMATS.values() if form.unless)
ROWS, CHARACTERS = 500, 2**22
"""Examples that are made at once, and their characters, at most."""
BYTES = 2**22
"""Bytes of a file whose lines are summarized at once."""


def summaries(examples: Sequence[dict], rows: Sequence[int], kind: str) -> Iterator[Summary]:
    """Summaries of all ``examples``, which are of this ``kind`` and from these ``rows``, in order."""
    if isinstance(examples, Examples) and examples.plain and kind in KINDS:
        yield from _by_columns(examples, rows)
    else:
        yield from _one_by_one(zip(range(len(examples)), rows, examples), kind)


def _one_by_one(given: Iterable[tuple[int, int, dict]], kind: str) -> Iterator[Summary]:
    """Summaries of examples that are made; ``given`` has the position, row and example of each."""
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
    """The summary of examples that were made."""
    matches = _matches([seen.all_text for seen in batch]) if kind in KINDS else repeat(True)
    candidates, others = [], []
    for seen, has_match in zip(batch, matches):
        (candidates if has_match or not all(map(_is_long, seen.answers)) else others).append(seen)
    single = [seen for seen in others if len(seen.answers) == 1]
    return Summary(
        batch[0].position,
        array("q", (near.fingerprint(seen.example) for seen in batch)),
        candidates,
        Counter(seen.turns for seen in batch if seen.turns),
        array("q", (near.text_hash(seen.answers[0].strip()) for seen in single)),
        array("q", (seen.position for seen in single)),
    )


def _is_long(answer: str) -> bool:
    return len(answer) > LONG_CHARACTERS and len(answer.strip()) > LONG_CHARACTERS


def _matches(texts: list[str]) -> list[bool]:
    """For each text, whether it matches the ``PREFILTER``."""
    import pyarrow
    import pyarrow.compute as pc

    try:
        column = pyarrow.array(texts, pyarrow.large_string())
    except UnicodeEncodeError:  # a lone surrogate, which no pre-filter matches
        column = pyarrow.array([text.encode("utf-8", "replace") for text in texts]).cast(pyarrow.large_string())
    return pc.match_substring_regex(column, PREFILTER).to_pylist()


def _by_columns(examples: Examples, rows: Sequence[int]) -> Iterator[Summary]:
    """Summaries from the columns of a file; only candidates are made."""
    known = _Known(examples)
    start = 0
    while start < len(examples):
        stop = examples.within(start, BYTES)
        positions = (known.candidates(start, stop) + start).tolist()
        made = zip(positions, (rows[position] for position in positions), examples.picked(positions))
        yield known.summary(start, stop, [look(*each) for each in made])
        start = stop


class _Known:
    """What is known of examples from their text columns, as it was recorded during reading."""

    def __init__(self, examples: Examples):
        import numpy as np

        plain = examples.plain
        self._turns = [(role, examples.texts(column)) for role, column in plain.turns]
        self._answer = next((texts for role, texts in self._turns if role == "assistant"), None)
        self._rows = examples.positions()
        self._system = plain.system
        has_match = plain.system and any(_matches([plain.system]))  # every example then has one
        self._is_calm = np.full(len(self._rows), not has_match)
        for _, texts in self._turns:
            self._is_calm &= texts.have(PROSE | CALM)[self._rows]
        if self._answer is not None:
            self._is_calm &= self._answer.have(LONG)[self._rows]

    def candidates(self, start: int, stop: int):
        """The candidates, as offsets from ``start``."""
        import numpy as np

        return np.flatnonzero(~self._is_calm[start:stop])

    def summary(self, start: int, stop: int, candidates: list[Seen]) -> Summary:
        """The summary of the examples from ``start`` up to ``stop``, with their ``candidates``."""
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
        hashes, positions = _at(self._answer.stripped_hashes, at), others + start
        return Summary(
            start, fingerprints, candidates, turns, array("q", hashes.tobytes()), array("q", positions.tobytes())
        )

    def _fingerprints(self, at):
        """``near.fingerprint`` of the examples from the rows ``at``, whose texts are all hashed."""
        import numpy as np

        hashes = [near.text_hash("system"), near.text_hash(self._system)] if self._system else []
        for role, texts in self._turns:
            hashes += near.text_hash(role), _at(texts.hashes, at)
        folded = np.zeros(len(at), np.uint64)
        for number in hashes:
            folded = folded * np.uint64(near.FOLD) + np.asarray(number, np.int64).view(np.uint64)
        return folded.view(np.int64)


def _at(numbers: array, positions):
    """Those of the ``numbers`` at these ``positions`` (int64)."""
    import numpy as np

    return np.frombuffer(numbers, np.int64)[positions] if len(positions) else np.zeros(0, np.int64)
