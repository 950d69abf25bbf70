"""Long texts, cut into pieces of the maximum length where a paragraph or else a sentence ends, instead of truncated.

The pieces are slices of the text's own tokens: joined, they are the whole text, and only the last ends with the
end-of-text token.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from finetune.data.settings import DataSettings
from finetune.data.tokens import TokenSequence, text_sequence

ENDS = tuple(map(re.compile, (r"(?:\r?\n){2,}", r"[.!?…][\"'”’»)\]]{0,3}[ \r\n\t]|[。！？][」』”’]?", r"\n", r"[ \t]")))
"""Where a text may be cut, the best first: after a paragraph, a sentence, a line, a word."""
LEAST = 0.25
"""A piece is at least this share of the maximum length, so that a short paragraph does not end it early."""

Sequences = Callable[..., tuple[TokenSequence, ...]]


def cutting(sequences: Sequences, settings: DataSettings) -> Sequences:
    """``sequences(example, tokenizer, length)``, with long texts cut into pieces if ``settings`` say so."""
    return partial(_cut, sequences) if settings.split_long else sequences


def training_rows(example: dict, sequences: Sequence[TokenSequence]) -> list[tuple[TokenSequence, ...]]:
    """The sequences of each training row that ``example`` becomes: every piece of a text is one, a pair is one."""
    return [(sequence,) for sequence in sequences] if "text" in example else [tuple(sequences)]


def _cut(sequences: Sequences, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
    whole = sequences(example, tokenizer, length)
    if "text" not in example or "segments" in example or not any(sequence.is_truncated for sequence in whole):
        return whole
    return pieces(example["text"], tokenizer, length)


def pieces(text: str, tokenizer, length: int) -> tuple[TokenSequence, ...]:
    """``text`` as sequences of at most ``length`` tokens, all of them trained but the first of each."""
    whole = text_sequence(text, tokenizer, 2 * len(text.encode("utf-8", "surrogatepass")) + 8)
    if len(whole.ids) <= length:
        return (whole,)
    begin = _beginning(tokenizer)
    ids = whole.ids[len(begin) :] if whole.ids[: len(begin)] == begin else whole.ids
    room = max(1, length - len(begin))
    places = _places(text, tokenizer, ids, room)
    found = [begin + ids[start:end] for start, end in pairwise(places)]
    return tuple(TokenSequence(piece, (False, *[True] * (len(piece) - 1)), len(piece)) for piece in _learnable(found))


def _places(text: str, tokenizer, ids: tuple[int, ...], room: int) -> list[int]:
    """The token at which each piece begins, and the number of tokens."""
    starts, count = _starts(text, tokenizer, len(ids)), len(ids)
    ends = [[match.end() for match in pattern.finditer(text)] for pattern in ENDS] if starts else []
    places = [0]
    while count - places[-1] > room:
        first, last = places[-1] + min(room, max(2, int(LEAST * room))), places[-1] + room
        place = next(filter(None, (_last_end(found, starts, first, last) for found in ends)), last)
        # A piece of one token trains nothing: the end-of-text token is not left alone.
        places.append(place - 1 if count - place == 1 and place - 1 > places[-1] else place)
    return [*places, count]


def _last_end(ends: list[int], starts: list[int], first: int, last: int) -> int:
    """The last token from ``first`` to ``last`` that begins at one of ``ends``; 0 if there is none."""
    place = bisect_right(ends, starts[last]) - 1
    token = bisect_left(starts, ends[place]) if place >= 0 else 0
    return token if first <= token <= last else 0


def _starts(text: str, tokenizer, count: int) -> list[int]:
    """The character at which each token begins; empty if the tokenizer does not know."""
    if not tokenizer.is_fast:
        return []
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    starts = [start for start, _ in found][:count]
    return starts + [len(text)] * (count + 1 - len(starts))


def _beginning(tokenizer) -> tuple[int, ...]:
    """The tokens that the tokenizer puts before every text."""
    with_all, alone = (
        tuple(tokenizer("a", add_special_tokens=flag, verbose=False)["input_ids"]) for flag in (True, False)
    )
    place = next((place for place in range(len(with_all)) if with_all[place : place + len(alone)] == alone), 0)
    return with_all[:place]


def _learnable(pieces: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """``pieces`` without those of one token, which train nothing, unless there are no others."""
    return [piece for piece in pieces if len(piece) > 1] or pieces
