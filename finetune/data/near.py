"""Rows that say the same, and rows that say nearly the same.

Nearly: of the runs of five words that either has, four fifths are in both (Jaccard's index). MinHash finds the
candidates without comparing every two (Broder, "On the resemblance and containment of documents", 1997): the smallest
of many hashes of a text's runs is the same in two texts as often as they are alike. Each candidate is then compared
in truth, so nothing is called alike that is not. Equal rows give equal results: nothing is drawn by chance.

Case, white space and sentence marks do not count, instructions (system) neither, nor runs that stand in many rows:
a long question asked in the same words of every row says nothing of the row.
"""

import hashlib
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import xxhash

ALIKE = 0.8
"""Jaccard's index from which two rows say nearly the same; the usual bound for training data."""
RUN = 5
"""Words in a run: one changed word in a short question is another question, and changes most of its runs."""
BANDS, BAND_HASHES = 20, 6
"""Two rows are candidates if all hashes of one band agree: at ``ALIKE`` 99.8 % of them are, at 0.5 a quarter."""
BLOCK = 4096
"""Rows that are hashed at a time."""
MOST_CHARACTERS = 6000
"""Of a row that are looked at: about a thousand words."""
COMMON_SHARE, COMMON_ROWS = 0.05, 20
"""Runs that stand in more than this share of rows, and in so many at least, do not count."""
SAMPLE = 2000
"""Rows looked at, spread over all, to find the runs that are common."""
NEIGHBOURS = 4
"""Rows of a band with equal hashes are compared with the first of them, and each with so many that follow."""
KEPT_SETS = 20_000
"""Rows whose runs are remembered while candidates are compared."""

MIX = FOLD = 0xD6E8FEB86659FD93
"""An odd number of 64 bits that spreads them well when multiplied by."""

UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Thai, kana, Han and Hangul, of which each sign counts as a word."""
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s.,;:!?\"'’“”„()…]")
"""A word, or a mark that carries meaning, such as a minus."""


def number_of(text: str) -> int:
    """The same number of 64 bits, with its sign, for equal texts: XXH3 of their UTF-8 (see ``texts.numbers_of``)."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) - 2**63


def fingerprint(example: dict) -> int:
    """The same number for equal examples, in this process only; two others share one by chance once in 10^19.

    Of plain turns, and of a text, it is ``number_of`` each role (empty for a text) and of what is said, folded: each
    number is added to ``FOLD`` times what came before, modulo 2^64, so that NumPy makes many at once.
    """
    if len(example) == 1:
        folded = 0
        for turn in example.get("messages") or [{"role": "", "content": example.get("text")}]:
            content = turn.get("content")
            if len(turn) != 2 or type(content) is not str:
                break
            for text in (turn["role"], content):
                folded = (folded * FOLD + number_of(text)) % 2**64
        else:
            return folded - 2**64 if folded >= 2**63 else folded
    try:
        return hash(_frozen(example))
    except TypeError:
        return hash(repr(example))


def repeated(examples: Iterable[dict]) -> set[int]:
    """The positions of the examples that equal an earlier one."""
    return set(repeats(array("q", map(fingerprint, examples))))


def repeats(fingerprints: array) -> list[int]:
    """The positions at which a number stands that stands at an earlier one too."""
    import numpy as np

    numbers = np.frombuffer(fingerprints, dtype=np.int64)
    if not come_often(numbers, 2):
        return []
    order = np.argsort(numbers, kind="stable")
    again = order[1:][numbers[order[1:]] == numbers[order[:-1]]]
    return sorted(again.tolist())


def come_often(numbers, times: int) -> bool:
    """True if one of ``numbers``, an array, is in it so many times; finding that none is takes a tenth of the time."""
    import numpy as np

    numbers = np.sort(numbers)
    return len(numbers) >= times and bool((numbers[times - 1 :] == numbers[: len(numbers) - times + 1]).any())


def nearly_repeated(examples: Sequence[dict]) -> set[int]:
    """The positions of the examples that say nearly the same as an earlier one: of each group all but the first."""
    return followers(pairs(Texts(examples)))


def followers(linked: Iterable[tuple[int, int]]) -> set[int]:
    """Of each group that ``linked`` positions form, all but the first."""
    first: dict[int, int] = {}

    def find(position: int) -> int:
        while (above := first.setdefault(position, position)) != position:
            first[position] = first.setdefault(above, above)
            position = above
        return position

    for one, other in linked:
        one, other = find(one), find(other)
        first[max(one, other)] = min(one, other)
    return {position for position in first if find(position) != position}


class Texts(Sequence):
    """What examples say, as ``pairs`` compares it, read when it is asked for."""

    def __init__(self, examples: Sequence[dict]):
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, position: int) -> str:
        return said(self._examples[position])

    def __iter__(self) -> Iterator[str]:
        return map(said, self._examples)


def said(example: dict) -> str:
    """The beginning of what is said in an example, without instructions."""
    if "text" in example:
        return example["text"][:MOST_CHARACTERS]
    turns = (
        turn for part in ("messages", "prompt", "chosen", "rejected", "completion") for turn in example.get(part, ())
    )
    return "\n".join(turn.get("content") or "" for turn in turns if turn["role"] != "system")[:MOST_CHARACTERS]


def pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Positions (i, j), i before j, of texts that are nearly the same.

    In a group of many not every two are named, but each with one before it, so that the group holds together.
    """
    import numpy as np

    if len(texts) < 2:
        return []
    common = _common_runs(texts)
    bands = [_bands(_runs(block), common) for block in _blocks(texts)]
    candidates = _candidates(np.concatenate(bands))
    runs = lru_cache(KEPT_SETS)(lambda position: _counting_runs(texts[position], common))
    return [(one, other) for one, other in candidates if _are_alike(runs(one), runs(other))]


def _frozen(value: object) -> object:
    """``value`` with tuples for its lists and dicts, so that it can be hashed."""
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(each)) for key, each in value.items()))
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _are_alike(one: frozenset[int], other: frozenset[int]) -> bool:
    both = len(one & other)
    return both >= ALIKE * (len(one) + len(other) - both) and both > 0


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _runs(texts: list[str]):
    """``(hashes, starts)``: the hashes of each text's runs (uint64) one behind the other, and where each text begins.

    A text of fewer than ``RUN`` words is one run; one without words has the run of nothing.
    """
    import numpy as np

    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__
    words, counts = array("q"), array("q")
    padding = [places[""]] * RUN
    for text in texts:
        found = [places[word] for word in WORD.findall(text.lower())]
        found = found if len(found) >= RUN else (found + padding)[:RUN]
        words.extend(found)
        counts.append(len(found))
    hashes = np.array([_hash(word) for word in places], dtype=np.uint64)[np.frombuffer(words, dtype=np.int64)]
    counts = np.frombuffer(counts, dtype=np.int64)
    runs = np.zeros(len(hashes) - RUN + 1, dtype=np.uint64)
    for place in range(RUN):
        runs = (runs + hashes[place : place + len(runs)]) * MIX
        runs ^= runs >> np.uint64(29)
    ends = np.cumsum(counts)
    inside = np.arange(len(runs)) <= np.repeat(ends - RUN, counts)[: len(runs)]
    sizes = counts - RUN + 1
    return runs[inside], np.cumsum(sizes) - sizes


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _common_runs(texts: Sequence[str]):
    """The hashes of the runs that stand in many rows (uint64, sorted)."""
    import numpy as np

    step = max(1, len(texts) // SAMPLE)
    sample = [texts[position] for position in range(0, len(texts), step)]
    runs, starts = _runs(sample)
    owners = np.repeat(np.arange(len(sample)), np.diff(np.append(starts, len(runs))))
    order = np.lexsort((owners, runs))
    runs, owners = runs[order], owners[order]
    is_new = np.append(True, (runs[1:] != runs[:-1]) | (owners[1:] != owners[:-1]))
    found, rows = np.unique(runs[is_new], return_counts=True)
    return found[rows > max(COMMON_ROWS, COMMON_SHARE * len(sample))]


def _counting_runs(text: str, common) -> frozenset[int]:
    """The hashes of the runs of ``text`` that are not common; all of them if none is left."""
    import numpy as np

    runs, _ = _runs([text])
    rare = runs[~np.isin(runs, common)]
    return frozenset((rare if len(rare) else runs).tolist())


def _bands(found: tuple, common):
    """The hash of each band of each text, uint64 of shape (texts, ``BANDS``)."""
    import numpy as np

    runs, starts = found
    texts = len(starts)
    owners = np.repeat(np.arange(texts), np.diff(np.append(starts, len(runs))))
    rare = ~np.isin(runs, common)
    rare |= ~np.isin(owners, owners[rare])
    runs = runs[rare]
    sizes = np.bincount(owners[rare], minlength=texts)
    starts = np.cumsum(sizes) - sizes
    seeds = np.random.default_rng(1997).integers(1, 2**63, size=(BANDS, BAND_HASHES), dtype=np.uint64)
    bands = np.zeros((texts, BANDS), dtype=np.uint64)
    for band in range(BANDS):
        for seed in seeds[band]:
            mixed = (runs ^ seed) * (seed | np.uint64(1))
            smallest = np.minimum.reduceat(mixed >> np.uint64(16), starts)
            bands[:, band] = (bands[:, band] ^ smallest) * np.uint64(MIX)
    return bands


def _candidates(bands) -> list[tuple[int, int]]:
    """The pairs of texts, by position, that agree in a band."""
    import numpy as np

    texts = len(bands)
    found = []
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        keys = band[order]
        first = np.maximum.accumulate(np.where(np.append(True, keys[1:] != keys[:-1]), np.arange(texts), 0))
        ahead = [(order[first], order)]
        ahead += [(order[:-step], order[step:]) for step in range(1, min(NEIGHBOURS, texts - 1) + 1)]
        for one, other in ahead:
            same = (band[one] == band[other]) & (one != other)
            found.append(one[same] * texts + other[same])
    numbers = np.unique(np.concatenate(found))
    return list(zip((numbers // texts).tolist(), (numbers % texts).tolist()))
