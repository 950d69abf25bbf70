"""Questions read well, and invented words are words."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from finetune.starter.wording import ask, invented_code, invented_name, invented_word, listed


@given(st.integers(0, 2**32))
def test_invented_things_look_right(seed):
    rng = Random(seed)
    assert invented_word(rng).isalpha()
    assert invented_name(rng)[0].isupper()
    assert invented_code(rng)[0].isupper()
    assert invented_code(rng)[-1].isdigit()


def test_lists():
    assert listed(["tea"]) == "tea"
    assert listed(["tea", "milk", "bread"]) == "tea, milk and bread"
    assert listed(["tea", "milk"], "or") == "tea or milk"


@given(st.integers(0, 2**32))
def test_careful_questions_keep_their_words(seed):
    assert "Zorvik lives" in ask(Random(seed), ("{n} lives in Rome. Where?",), careless=False, n="Zorvik")
