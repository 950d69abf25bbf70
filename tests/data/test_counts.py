from finetune.data.counts import Counts
from finetune.data.tokens import TokenSequence

SHORT = TokenSequence((1, 2, 3), (False, False, True), full_length=3)
LONG = TokenSequence((1, 2, 3, 4), (False, True, True, True), full_length=9)


def test_a_row_may_have_several_sequences():
    assert Counts.of([SHORT]) == Counts(rows=1, longest=3, tokens=3, trained=1, most_trained=1)
    assert Counts.of([SHORT, LONG]) == Counts(rows=1, longest=9, tokens=7, trained=4, most_trained=4)


def test_rows_are_added_up_and_the_largest_are_kept():
    both = Counts.of([SHORT]) + Counts.of([LONG])
    assert both == Counts.of([LONG]) + Counts.of([SHORT]) == Counts(2, longest=9, tokens=7, trained=4, most_trained=3)
    assert Counts() + both == both
    assert (Counts(held_out=3) + Counts(4, held_out=2)).held_out == 5


def test_more_rows_of_a_kind_have_more_tokens_but_no_longer_ones():
    both = Counts.of([SHORT]) + Counts.of([LONG])
    assert both.times(2.5) == Counts(5, longest=9, tokens=18, trained=10, most_trained=3)
