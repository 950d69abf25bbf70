from finetune.data.blocks import blocks, in_blocks
from finetune.data.counts import Counts
from finetune.data.tokens import TokenSequence


def text(*ids):
    return TokenSequence(ids, (False, *[True] * (len(ids) - 1)), len(ids))


def test_no_token_is_lost_and_all_blocks_but_the_last_are_of_the_length():
    texts = [text(1, 2, 3, 9), text(4, 9), text(5, 6, 7, 8, 10, 11, 9)]
    found = list(blocks(texts, 5))
    assert [block.ids for block in found] == [(1, 2, 3, 9, 4), (9, 5, 6, 7, 8), (10, 11, 9)]
    assert [token for block in found for token in block.ids] == [token for one in texts for token in one.ids]


def test_every_token_is_trained_but_the_first_of_a_block():
    assert [block.trained for block in blocks([text(1, 2, 9), text(3, 9)], 4)] == [(False, True, True, True)]
    assert not any(block.is_truncated for block in blocks([text(*range(50))], 4))


def test_a_last_block_of_one_token_is_left_out_and_nothing_gives_nothing():
    assert [block.ids for block in blocks([text(1, 2, 3, 4, 9)], 4)] == [(1, 2, 3, 4)]
    assert list(blocks([], 4)) == []


def test_counts_of_texts_become_those_of_their_blocks():
    texts = [text(*range(n)) for n in (30, 7, 12, 40)]
    whole = sum((Counts.of((each,)) for each in texts), Counts(held_out=2))
    made = sum((Counts.of((block,)) for block in blocks(texts, 16)), Counts(held_out=3))
    assert in_blocks(whole, 16) == made
    assert in_blocks(made, 16) == made
    assert in_blocks(Counts(rows=5), 16).longest == 16
