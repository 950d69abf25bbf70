"""Many examples at a glance: which of them have to be looked at one by one, and what is to be known of the others.

What a check finds in a text it can tell by a sign (``Check.signs``), and most texts have none. All signs are looked for
together by RE2, which takes a nanosecond per letter outside the interpreter's lock. Where rows stand in a file as plain
columns (``formats.Plain``), their examples are not even made. Nothing is a guess: what has no sign has nothing.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, repeat

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
        array("q", (near.fingerprint(seen.example) for seen in batch)),
        closer,
        Counter(seen.turns for seen in batch if seen.turns),
        array("q", (near.number_of(seen.answers[0].strip()) for seen in single)),
        array("q", (seen.position for seen in single)),
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
    """What the columns of some rows say; made beside the interpreter's lock, all but the hashes."""

    def __init__(self, values, plain: Plain, signs: str):
        import numpy as np
        import pyarrow.compute as pc

        self._plain, self._columns = plain, [values[name].chunk(0) for _, name in plain.turns]
        self._answer = next((n for n, (role, _) in enumerate(plain.turns) if role == "assistant"), None)
        # A value that is missing counts as a sign: such a row is another example.
        signed = (pc.match_substring_regex(column, signs).fill_null(True) for column in self._columns)
        are_plain = ~reduce(pc.or_, signed).to_numpy(zero_copy_only=False)
        if self._answer is not None:
            self._trimmed = pc.utf8_trim(self._columns[self._answer], columns.white_space())
            is_long = pc.greater(pc.utf8_length(self._trimmed), LONG).fill_null(False)
            are_plain &= is_long.to_numpy(zero_copy_only=False)
        self._others = np.flatnonzero(are_plain)
        self.closer = np.flatnonzero(~are_plain)
        """Which rows have to be made."""

    def glance(self, start: int, closer: list[Seen]) -> Glance:
        """What is known of the examples from position ``start`` on, with those that had to be made."""
        numbers = [_numbers(column) for column in self._columns]
        told = [(repeat(role), each) for (role, _), each in zip(self._plain.turns, numbers)]
        if self._plain.system:
            told.insert(0, (repeat("system"), repeat(near.number_of(self._plain.system))))
        fingerprints = array("q", map(hash, zip(*chain(*told))))
        for seen in closer:
            fingerprints[seen.position - start] = near.fingerprint(seen.example)
        turns = Counter(seen.turns for seen in closer if seen.turns)
        if self._answer is None:
            return Glance(start, fingerprints, closer, turns)
        turns[len(self._columns)] += len(self._others)
        said = array("q", self._said(numbers[self._answer])[self._others].tobytes())
        return Glance(start, fingerprints, closer, turns, said, array("q", (self._others + start).tobytes()))

    def _said(self, numbers: array):
        """``numbers`` of the answers, but of what is left of them without the white space around."""
        import numpy as np
        import pyarrow.compute as pc

        said = np.array(numbers)
        widths = (pc.binary_length(each) for each in (self._columns[self._answer], self._trimmed))
        changed = np.flatnonzero(pc.not_equal(*widths).fill_null(False).to_numpy(zero_copy_only=False))
        said[changed] = _numbers(self._trimmed.take(changed))
        return said


def _numbers(column) -> array:
    """``near.number_of`` each text of a column."""
    import numpy as np

    _, offsets, letters = column.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset).tolist()
    content = letters.to_pybytes() if letters else b""
    return array("q", map(hash, map(content.__getitem__, map(slice, bounds, bounds[1:]))))
