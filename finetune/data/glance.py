"""Many examples at a glance: which of them have to be looked at one by one, and what is to be known of the others.

What a check finds in a text it can tell by a sign (``Check.signs``), and most texts have none. All signs are looked for
together by RE2, which takes a nanosecond per letter outside the interpreter's lock. Where rows stand in a file as plain
columns (``formats.Plain``), their examples are not even made. Nothing is a guess: what has no sign has nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

from finetune.data import columns, near
from finetune.data.checks.check import Glance, Seen, look
from finetune.data.examples import Examples
from finetune.data.formats import Plain

KINDS = ("chat", "prompt", "text")
"""Kinds of examples that are taken in at a glance; pairs and ratings are compared one by one."""
LONG = 40
"""Characters above which an answer is neither a label nor a placeholder."""
ROWS, CHARACTERS = 500, 2**22
"""So many examples are made at once, up to so many characters."""
BYTES = 2**20
"""Lines of a file are taken in so many bytes at once."""


def glances(examples: Sequence[dict], rows: Sequence[int], kind: str, signs: str) -> Iterator[Glance]:
    """All ``examples``, which are from these ``rows``, in order.

    ``signs`` is an expression that stands in every text in which a check could find something.
    """
    if kind not in KINDS:
        signs = ""
    if isinstance(examples, Examples) and examples.plain and signs:
        yield from _by_columns(examples, rows, signs)
    else:
        yield from _one_by_one(zip(range(len(examples)), rows, examples), signs)


def _one_by_one(given: Iterable[tuple[int, int, dict]], signs: str) -> Iterator[Glance]:
    """Examples, each with its position and row, made some at once; with no ``signs``, each needs a closer look."""
    batch, size = [], 0
    for position, row, example in given:
        batch.append(look(position, row, example))
        size += len(batch[-1].text)
        if len(batch) == ROWS or size > CHARACTERS:
            yield _glance(batch, signs)
            batch, size = [], 0
    if batch:
        yield _glance(batch, signs)


def _glance(batch: list[Seen], signs: str) -> Glance:
    """What is known of examples that were made."""
    signed = _signed([seen.text for seen in batch], signs) if signs else repeat(True)
    closer, others = [], []
    for seen, is_signed in zip(batch, signed):
        (closer if is_signed or not all(map(_is_long, seen.answers)) else others).append(seen)
    single = [seen for seen in others if len(seen.answers) == 1]
    return Glance(
        batch[0].position,
        [near.fingerprint(seen.example) for seen in batch],
        closer,
        Counter(seen.turns for seen in batch if seen.turns),
        [near.number_of(seen.answers[0].strip()) for seen in single],
        [seen.position for seen in single],
    )


def _is_long(answer: str) -> bool:
    return len(answer) > LONG and len(answer.strip()) > LONG


def _signed(texts: list[str], signs: str) -> list[bool]:
    """Whether each of the texts has one of the ``signs``."""
    import pyarrow
    import pyarrow.compute as pc

    try:
        column = pyarrow.array(texts, pyarrow.large_string())
    except UnicodeEncodeError:  # half a character, which is no sign
        column = pyarrow.array([text.encode("utf-8", "replace") for text in texts]).cast(pyarrow.large_string())
    return pc.match_substring_regex(column, signs).to_pylist()


def _by_columns(examples: Examples, rows: Sequence[int], signs: str) -> Iterator[Glance]:
    """Examples that are nothing but columns of a file, where that is so; the others are made."""
    plain = examples.plain
    signs = f"{signs}|{plain.unless}" if plain.unless else signs
    if plain.system and any(_signed([plain.system], signs)):
        signs = ""  # every example has that sign

    def work(span: tuple[int, int]):
        lines = examples.lines(*span) if signs else None
        return span, lines and _read(lines, span[1] - span[0], plain, signs)

    for (start, stop), found in columns.ahead(work, _spans(examples)):
        positions = (found.closer + start).tolist() if found else range(start, stop)
        made = zip(positions, (rows[position] for position in positions), examples.picked(positions))
        if found:
            yield found.glance(start, [look(*each) for each in made])
        else:
            yield from _one_by_one(made, signs)


def _spans(examples: Examples) -> Iterator[tuple[int, int]]:
    """From where to where examples are taken in at once."""
    start = 0
    while start < len(examples):
        stop = examples.within(start, BYTES)
        yield start, stop
        start = stop


def _read(lines: bytes, count: int, plain: Plain, signs: str) -> "_Columns | None":
    """What ``count`` lines say as columns; None if they are not plain enough for that."""
    import pyarrow

    shape = pyarrow.schema([(column, pyarrow.string()) for _, column in plain.turns])
    values = columns.read_columns(lines, shape)
    return _Columns(values, plain, signs) if values is not None and values.num_rows == count else None


class _Columns:
    """What the columns of some rows say."""

    def __init__(self, values, plain: Plain, signs: str):
        import numpy as np

        is_plain = np.ones(values.num_rows, bool)
        told = [repeat("system"), repeat(near.number_of(plain.system))] if plain.system else []
        self._said = np.zeros(0, np.int64)
        for role, name in plain.turns:
            column = values[name].chunk(0)
            told += [repeat(role), _numbers(column)]
            is_plain &= _has_none(column, signs)
            if role == "assistant":
                trimmed, are_long = _trimmed(column)
                is_plain &= are_long
                self._said = np.array(_numbers(trimmed), np.int64)
        self._fingerprints = list(map(hash, zip(*told)))
        self._others = np.flatnonzero(is_plain)
        self._turns = len(plain.turns) if plain.turns[0][0] else 0
        self.closer = np.flatnonzero(~is_plain)
        """Which rows have to be made."""

    def glance(self, start: int, closer: list[Seen]) -> Glance:
        """What is known of the examples from position ``start`` on, with those that had to be made."""
        for seen in closer:
            self._fingerprints[seen.position - start] = near.fingerprint(seen.example)
        turns = Counter(seen.turns for seen in closer if seen.turns)
        if self._turns:
            turns[self._turns] += len(self._others)
        said, answered = (self._said[self._others], self._others + start) if len(self._said) else ((), ())
        return Glance(start, self._fingerprints, closer, turns, said, answered)


def _has_none(column, signs: str):
    """For each text of a column, True if it has none of the ``signs``; False where there is no text."""
    import pyarrow.compute as pc

    return ~pc.fill_null(pc.match_substring_regex(column, signs), True).to_numpy(zero_copy_only=False)


def _trimmed(column):
    """The texts of a column without white space around them, and whether each is then a long one."""
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(column, columns.white_space())
    return trimmed, pc.fill_null(pc.greater(pc.utf8_length(trimmed), LONG), False).to_numpy(zero_copy_only=False)


def _numbers(column) -> list[int]:
    """``near.number_of`` each text of a column."""
    import numpy as np

    _, offsets, letters = column.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset).tolist()
    content = letters.to_pybytes() if letters else b""
    return list(map(hash, map(content.__getitem__, map(slice, bounds, bounds[1:]))))
