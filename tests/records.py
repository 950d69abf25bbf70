"""Lines of JSON for the tests that hypothesis drives: whole, odd and broken ones."""

import json

from hypothesis import strategies as st

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)
plain = st.none() | st.booleans() | st.integers() | text
value = plain | st.lists(plain | st.dictionaries(text, plain, max_size=2), max_size=2)
row = st.dictionaries(text, value, max_size=3)
odd = st.sampled_from(
    ['{"a": 1, "a": 2}', '{"a": "x", "\\u0061": "y"}', '{"a": 1.50}', '{"a": -0}', '{"a": 1e5}',
     '{"a": -12345678901234567890}', '{"a": "\\\\\\"", "b": "\\""}', '{"a": "\\u0000"}',
     '{"a": "\\\\u0000"}', '{"a": "\\ud83d"}', '{"a": "\\ud83d\\ude00"}',
     '{"a": NaN}', '{"a": {"b": "x", "b": "y"}}', '{"a": [{"b": 1}, {"b": 1, "b": 2}]}', '[1]', '"x"', 'null',
     '{"a": 1} x',
     '{"a": "\\u0022", "a": "\\""}', '{"a": 1, "a": "\\""}', '{"a": ' + "[" * 33 + "]" * 33 + "}",
     '{"a": ' + "[" * 31 + "]" * 31 + "}", ' { "a" : 0.1 } ', '{}', '{"a": true, "b": null}', '{"": ""}', '\u00a0']
)  # fmt: skip
wild = st.text(st.sampled_from('{}[]":,\\ abu0019e.-\t\r'), max_size=25)
fractions = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.5, 1.0, -0.0, 1e16, 1e-5, 123456.789])
written = st.builds(
    json.dumps,
    row | st.dictionaries(text, fractions | text, max_size=3),
    ensure_ascii=st.booleans(),
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
)
