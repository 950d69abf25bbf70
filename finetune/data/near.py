"""Duplicates and near-duplicates.

Near-duplicates share four fifths of their 5-gram shingles, by Jaccard similarity. MinHash with
locality-sensitive hashing finds the candidates without comparing every pair (Broder, "On the resemblance and
containment of documents", 1997): the minimum of a hash over a text's shingles agrees in two texts with a probability
equal to their similarity. Each candidate is then compared exactly, so there are no false positives. The hash seeds are
fixed, so equal rows give equal results.

Case, white space and punctuation do not count, system prompts neither, nor shingles that occur in many rows: a long
instruction repeated in every row does not make the rows near-duplicates.
"""

import hashlib
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import xxhash

SIMILARITY = 0.8
"""Jaccard similarity from which two rows are near-duplicates; the usual threshold for training data."""
SHINGLE = 5
"""Words in a shingle: one changed word makes a short question another one, and changes most of its shingles."""
BANDS, BAND_HASHES = 20, 6
"""Two rows are candidates if all hashes of one band agree: at ``SIMILARITY`` 99.8 % of pairs are, at 0.5 a quarter."""
BLOCK = 4096
"""Rows hashed at a time."""
MOST_CHARACTERS = 6000
"""Characters of a row that are compared: about a thousand words."""
COMMON_SHARE, COMMON_ROWS = 0.05, 20
"""Shingles in more than this share of rows, and in more than this many, do not count."""
SAMPLE = 2000
"""Rows, evenly spaced, in which common shingles are counted."""
NEIGHBOURS = 4
"""Rows with equal hashes in a band are compared with the first of them, and each with this many that follow."""
KEPT_SETS = 20_000
"""Rows whose shingles are cached while candidates are compared."""

MIX = FOLD = 0xD6E8FEB86659FD93
"""An odd 64-bit multiplier that mixes bits well."""

UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Thai, kana, Han and Hangul, of which each character counts as a word."""
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s.,;:!?\"'’“”„()…]")
"""A word, or a symbol that carries meaning, such as a minus."""


def text_hash(text: str) -> int:
    """A hash of ``text``: XXH3 of its UTF-8, as a signed 64-bit integer (see ``texts.text_hashes``)."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) - 2**63


def fingerprint(example: dict) -> int:
    """A hash of ``example``, valid in this process only; two different examples collide once in 10^19.

    For plain turns, and for a text, it combines ``text_hash`` each role (empty for a text) and each content: every
    number is added to ``FOLD`` times the hash so far, modulo 2^64, so that NumPy can compute many at once.
    """
    if len(example) == 1:
        folded = 0
        for turn in example.get("messages") or [{"role": "", "content": example.get("text")}]:
            content = turn.get("content")
            if len(turn) != 2 or type(content) is not str:
                break
            for text in (turn["role"], content):
                folded = (folded * FOLD + text_hash(text)) % 2**64
        else:
            return folded - 2**64 if folded >= 2**63 else folded
    try:
        return hash(_frozen(example))
    except TypeError:
        return hash(repr(example))


def duplicates(examples: Iterable[dict]) -> set[int]:
    """Positions of the examples that equal an earlier one."""
    return set(duplicate_positions(array("q", map(fingerprint, examples))))


def duplicate_positions(fingerprints: array) -> list[int]:
    """Positions of the numbers that equal an earlier one."""
    import numpy as np

    numbers = np.frombuffer(fingerprints, dtype=np.int64)
    if not has_repeats(numbers, 2):
        return []
    order = np.argsort(numbers, kind="stable")
    again = order[1:][numbers[order[1:]] == numbers[order[:-1]]]
    return sorted(again.tolist())


def has_repeats(numbers, times: int) -> bool:
    """True if a value occurs ``times`` times in the array ``numbers``; ten times as fast as counting all values."""
    import numpy as np

    numbers = np.sort(numbers)
    return len(numbers) >= times and bool((numbers[times - 1 :] == numbers[: len(numbers) - times + 1]).any())


def near_duplicates(examples: Sequence[dict]) -> set[int]:
    """Positions of the examples that are near-duplicates of an earlier one: all but the first of each group."""
    return followers(pairs(ExampleTexts(examples)))


def followers(linked: Iterable[tuple[int, int]]) -> set[int]:
    """All but the first of each group of positions connected by ``linked`` pairs."""
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


class ExampleTexts(Sequence):
    """The texts of examples that ``pairs`` compares, made on access."""

    def __init__(self, examples: Sequence[dict]):
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, position: int) -> str:
        return text_of(self._examples[position])

    def __iter__(self) -> Iterator[str]:
        return map(text_of, self._examples)


def text_of(example: dict) -> str:
    """The beginning of the text of an example, without the system prompt."""
    if "text" in example:
        return example["text"][:MOST_CHARACTERS]
    turns = (
        turn for part in ("messages", "prompt", "chosen", "rejected", "completion") for turn in example.get(part, ())
    )
    return "\n".join(turn.get("content") or "" for turn in turns if turn["role"] != "system")[:MOST_CHARACTERS]


def pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Positions (i, j), i before j, of texts that are near-duplicates.

    A large group does not give every pair, but connects each member to an earlier one.
    """
    import numpy as np

    if len(texts) < 2:
        return []
    common = _common_shingles(texts)
    bands = [_bands(_shingles(block), common) for block in _blocks(texts)]
    candidates = _candidates(np.concatenate(bands))
    shingles = lru_cache(KEPT_SETS)(lambda position: _rare_shingles(texts[position], common))
    return [(one, other) for one, other in candidates if _are_similar(shingles(one), shingles(other))]


def _frozen(value: object) -> object:
    """``value`` with its lists and dicts as tuples, so that it can be hashed."""
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(each)) for key, each in value.items()))
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _are_similar(one: frozenset[int], other: frozenset[int]) -> bool:
    both = len(one & other)
    return both >= SIMILARITY * (len(one) + len(other) - both) and both > 0


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _shingles(texts: list[str]):
    """``(hashes, starts)``: the hashes of all shingles (uint64), text after text, and the index of each text's first.

    A text of fewer than ``SHINGLE`` words is one shingle; one without words has the empty shingle.
    """
    import numpy as np

    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__
    words, counts = array("q"), array("q")
    padding = [places[""]] * SHINGLE
    for text in texts:
        found = [places[word] for word in WORD.findall(text.lower())]
        found = found if len(found) >= SHINGLE else (found + padding)[:SHINGLE]
        words.extend(found)
        counts.append(len(found))
    hashes = np.array([_hash(word) for word in places], dtype=np.uint64)[np.frombuffer(words, dtype=np.int64)]
    counts = np.frombuffer(counts, dtype=np.int64)
    shingles = np.zeros(len(hashes) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):
        shingles = (shingles + hashes[place : place + len(shingles)]) * MIX
        shingles ^= shingles >> np.uint64(29)
    ends = np.cumsum(counts)
    inside = np.arange(len(shingles)) <= np.repeat(ends - SHINGLE, counts)[: len(shingles)]
    sizes = counts - SHINGLE + 1
    return shingles[inside], np.cumsum(sizes) - sizes


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _common_shingles(texts: Sequence[str]):
    """The hashes of the shingles that occur in many rows (uint64, sorted)."""
    import numpy as np

    step = max(1, len(texts) // SAMPLE)
    sample = [texts[position] for position in range(0, len(texts), step)]
    shingles, starts = _shingles(sample)
    owners = np.repeat(np.arange(len(sample)), np.diff(np.append(starts, len(shingles))))
    order = np.lexsort((owners, shingles))
    shingles, owners = shingles[order], owners[order]
    is_new = np.append(True, (shingles[1:] != shingles[:-1]) | (owners[1:] != owners[:-1]))
    found, rows = np.unique(shingles[is_new], return_counts=True)
    return found[rows > max(COMMON_ROWS, COMMON_SHARE * len(sample))]


def _rare_shingles(text: str, common) -> frozenset[int]:
    """The hashes of the shingles of ``text`` that are not common; all of them if none is left."""
    import numpy as np

    shingles, _ = _shingles([text])
    rare = shingles[~np.isin(shingles, common)]
    return frozenset((rare if len(rare) else shingles).tolist())


def _bands(found: tuple, common):
    """The MinHash of each band of each text, uint64 of shape (texts, ``BANDS``)."""
    import numpy as np

    shingles, starts = found
    texts = len(starts)
    owners = np.repeat(np.arange(texts), np.diff(np.append(starts, len(shingles))))
    rare = ~np.isin(shingles, common)
    rare |= ~np.isin(owners, owners[rare])
    shingles = shingles[rare]
    sizes = np.bincount(owners[rare], minlength=texts)
    starts = np.cumsum(sizes) - sizes
    seeds = np.random.default_rng(1997).integers(1, 2**63, size=(BANDS, BAND_HASHES), dtype=np.uint64)
    bands = np.zeros((texts, BANDS), dtype=np.uint64)
    for band in range(BANDS):
        for seed in seeds[band]:
            mixed = (shingles ^ seed) * (seed | np.uint64(1))
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
