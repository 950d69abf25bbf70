"""Python literals and loose JSON, compared with what Python itself makes of them."""

import ast
import json
import time

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.readers.decoder import Fault
from finetune.data.readers.loose import COMMAS, COMMENTS, CONTROLS, NUMPY, PYTHON, Loose, literal

plain = st.characters(codec="utf-8", exclude_characters="\0")
texts = st.text(plain, max_size=12) | st.sampled_from(
    ["it's", 'say "x"', "a\\b", "\t\n\x07", "{'a': 1}", "naïve 日本 😀"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(value=values)
def test_str_of_a_value_gives_it_back(value):
    assert literal(str(value) if isinstance(value, (list, dict)) else repr(value)) == value


@given(value=values)
def test_json_gives_what_json_gives(value):
    assert literal(json.dumps(value)) == value


TURNS = [{"role": "user", "content": "It's me"}, {"role": "assistant", "content": 'Say "hi"\n', "weight": None}]


@pytest.mark.parametrize(
    "written",
    [
        str(TURNS),
        str(tuple(TURNS)),
        str(numpy.array(TURNS, dtype=object)),
        repr(numpy.array(TURNS, dtype=object)),
        f"list({TURNS})",
        json.dumps(TURNS, indent=1).replace("}\n]", "},\n]"),
        "/* turns */ " + json.dumps(TURNS) + " // end",
        json.dumps(TURNS).replace('"weight"', "weight"),
    ],
)
def test_turns_however_they_were_written(written):
    assert literal(written) == TURNS


@pytest.mark.parametrize(
    "written, value",
    [
        ("{'a': array(['x', 'y'], dtype=object)}", {"a": ["x", "y"]}),
        ("[np.int64(5), np.float64(0.5), np.str_('x'), np.True_]", None),
        ("[np.int64(5), np.float64(0.5), np.str_('x')]", [5, 0.5, "x"]),
        ("['a' 'b']", ["a", "b"]),
        ("[1 2 3]", [1, 2, 3]),
        ("[nan, 1.50]", [None, "1.50"]),
        ("{'when': datetime.datetime(2026, 1, 31, 0, 0)}", None),
        ("{1, 2}", None),
        ("[__import__('os').system('true')]", None),
        ("[open('x')]", None),
        ("[1, 2] see below", None),
        ("[USER] hello", None),
        ("{name}, hello", None),
        ("[...]", None),
        ("{'a': 1, 'a': 2}", None),
        ("['\\ud83d']", None),
        ("['a\\0']", None),
        ("['open", None),
    ],
)
def test_a_value_or_a_fault(written, value):
    if value is None:
        with pytest.raises(Fault):
            literal(written)
    else:
        assert literal(written) == value


def test_escapes_are_those_of_python():
    written = r"'\n\t\\\'\" \x41 \xe9 \u00e9 \U0001f600 \d \/'"
    assert literal(written) == ast.literal_eval(written.replace(r"\d", r"\\d").replace(r"\/", "/"))
    assert literal(r'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize(
    "written, ways",
    [
        ('{"a": 1}', set()),
        ("{'a': None}", {PYTHON}),
        ("[1, 2,] # done", {COMMAS, COMMENTS}),
        ('{"a": "x\ty"}', {CONTROLS}),
        ("array([1])", {NUMPY}),
    ],
)
def test_it_says_how_a_text_differs_from_json(written, ways):
    loose = Loose()
    loose.value(written)
    assert loose.ways == ways


@pytest.mark.parametrize(
    "bad", ["['" + "\\'" * 400_000, "/*" * 400_000, "[" * 400_000, "[" + "'a' " * 200_000, "{" * 9]
)
def test_whatever_is_wrong_is_found_in_linear_time(bad):
    began = time.process_time()
    with pytest.raises(Fault):
        literal(bad)
    assert time.process_time() - began < 4
