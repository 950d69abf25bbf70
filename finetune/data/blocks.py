"""Texts joined to one stream of tokens and cut into blocks of equal length, as for pre-training.

A text that is longer than a block goes on in the next one; shorter ones share a block, each with its end-of-text token.
The tokens of a block see those of the texts before them: that needs nothing of the model, so that every architecture is
trained alike, and it is what Brown et al. 2020 (GPT-3, §B) do. The end-of-text token says that nothing before matters.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from finetune.data.counts import Counts
from finetune.data.tokens import TokenSequence


def blocks(texts: Iterable[TokenSequence], length: int) -> Iterator[TokenSequence]:
    """``texts`` in their order as blocks of ``length`` tokens, all trained but the first of each; the last is shorter.

    A last block of one token is left out, because nothing predicts that token.
    """
    stream = chain.from_iterable(text.ids for text in texts)
    while len(ids := tuple(islice(stream, length))) > 1:
        yield TokenSequence(ids, (False, *[True] * (len(ids) - 1)), len(ids))


def in_blocks(counts: Counts, length: int) -> Counts:
    """The ``counts`` of texts as those of their blocks; of blocks, they stay as they are."""
    if not counts.tokens:
        return replace(counts, longest=length, most_trained=length)
    rows, longest = math.ceil(counts.tokens / length), min(length, counts.tokens)
    held_out = math.ceil(counts.held_out * counts.tokens / (counts.rows or 1) / length)
    return Counts(rows, longest, counts.tokens, counts.tokens - rows, longest - 1, held_out)
