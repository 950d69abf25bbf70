import re

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data import near
from finetune.data.summary import PREFILTER
from finetune.data.texts import (
    CALM,
    LONG,
    LONG_CHARACTERS,
    MOST,
    PROSE,
    ColumnTexts,
    is_prose,
    scan,
    text_hashes,
    white_space,
)

SENTENCE = "The ship sails from the harbour at noon."
fragment = st.sampled_from(
    [SENTENCE, SENTENCE * 5, "yes", " ", "\n", "\x1c", "\x85", "\u2003", "日本", "[", "{", '"[', "**", "é", ""]
)
text = st.none() | st.lists(fragment, max_size=4).map("".join) | st.text(st.characters(codec="utf-8"), max_size=60)


def is_prose_of(text: str) -> bool:
    return bool(text.strip()) and not re.match(r"[^0-9A-Za-z_]*[\[{]", text)


@settings(max_examples=400, deadline=None)
@given(texts=st.lists(text, min_size=1, max_size=6), skipped=st.integers(0, 2))
def test_flags_and_hashes_are_those_of_the_texts(texts, skipped):
    column = pyarrow.array([SENTENCE] * skipped + texts, pyarrow.string()).slice(skipped)
    found = scan(pyarrow.table({"a": column}), "noon|é")["a"]
    for at, one in enumerate(texts):
        is_prose, is_calm, is_long = (bool(found.flags[at] & flag) for flag in (PROSE, CALM, LONG))
        if one is None:
            assert not is_prose and not is_calm
            continue
        trimmed = one.strip()
        assert is_prose == is_prose_of(one)
        assert is_calm == ("noon" not in one and "é" not in one)
        assert is_long == (len(trimmed) > LONG_CHARACTERS)
        assert found.hashes[at] == near.text_hash(one) and found.stripped_hashes[at] == near.text_hash(trimmed)


@given(text)
def test_what_surely_is_prose_is_prose(one):
    assert not is_prose(one) or one.strip() and not one.lstrip().startswith(("[", "{", '"'))
    assert is_prose(SENTENCE) and not is_prose(" a") and not is_prose(1)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(text))
def test_without_a_prefilter_only_prose_is_flagged(texts):
    column = pyarrow.array(texts, pyarrow.string())
    found = scan(pyarrow.table({"a": pyarrow.chunked_array([column])}))["a"]
    assert list(found.flags) == [PROSE * is_prose_of(one or "") for one in texts]
    assert text_hashes(column.fill_null("-")).tolist() == [near.text_hash("-" if one is None else one) for one in texts]


def test_white_space_is_all_that_python_strips():
    assert set(white_space()) == {letter for letter in map(chr, range(0x110000)) if letter.isspace()}


def test_only_text_columns_are_scanned_and_the_largest_are_hashed():
    columns = {f"c{n}": [SENTENCE * (n + 1)] for n in range(MOST + 2)} | {"id": [1]}
    found = scan(pyarrow.table(columns), PREFILTER)
    assert [name for name in found if found[name].hashes] == [f"c{n}" for n in range(2, MOST + 2)]
    assert "id" not in found and found["c0"].flags[0] == PROSE and found["c2"].flags[0] == PROSE | CALM | LONG
    assert all(not each.hashes for each in scan(pyarrow.table(columns)).values())


def test_texts_between_others_are_unknown():
    known, more = ColumnTexts(), scan(pyarrow.table({"a": [SENTENCE]}), "x")["a"]
    known.put(2, more)
    known.put(3, ColumnTexts(bytes([PROSE])))
    known.put(5, more)
    assert list(known.flags) == [0, 0, PROSE | CALM, PROSE, 0, PROSE | CALM]
    assert list(known.hashes) == [0, 0, more.hashes[0], 0, 0, more.hashes[0]] and len(known.stripped_hashes) == 6
    assert known.padded(7).have(PROSE).tolist() == [False, False, True, True, False, True, False]
    assert len(known.flags) == 6, "others may be reading it"


@pytest.mark.parametrize("column", ["a", "b"])
def test_an_empty_column_is_unknown(column):
    found = scan(pyarrow.table({"a": pyarrow.array([None, None], pyarrow.string()), "b": ["", " "]}), "x")[column]
    assert not found.have(PROSE).any() and not found.have(LONG).any()
