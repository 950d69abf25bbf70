import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data.records import Decoder, Fault, read_document, read_lines
from finetune.errors import DataError

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)
plain = st.none() | st.booleans() | st.integers() | text
value = plain | st.lists(plain | st.dictionaries(text, plain, max_size=2), max_size=2)
row = st.dictionaries(text, value, max_size=3)


@pytest.fixture
def lines(tmp_path):
    def read(content):
        path = tmp_path / "data.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_lines(path)

    return read


@pytest.fixture
def document(tmp_path):
    def read(content):
        path = tmp_path / "data.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_document(path)

    return read


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(row, max_size=3),
    ascii_only=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_lines_make_the_round_trip(lines, rows, ascii_only, ending, encoding):
    written = ending.join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    table = lines(written.encode(encoding))
    assert table.rows == rows
    assert not table.rejected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, max_size=3), indent=st.sampled_from([None, 0, 2]))
def test_arrays_make_the_round_trip(document, rows, indent):
    assert document(json.dumps(rows, indent=indent)).rows == rows


FAULTS = [
    ('{"a": "x"', "It is not valid JSON: expecting ',' delimiter at character 10."),
    ('{"a": "x"} {"a": "y"}', "It is not valid JSON: something follows the value at character 12."),
    ("plain words", "It is not valid JSON: expecting value at character 1."),
    ('["a"]', "It is a list, not an object with named columns."),
    ('"a"', "It is a text, not an object with named columns."),
    ("3", "It is a number or a switch, not an object with named columns."),
    ("null", "It is empty (null), not an object with named columns."),
    ('{"a": 1, "b": 2, "a": 3}', 'It has the key "a" more than once.'),
    ('{"a": NaN}', "It holds NaN, which is not a JSON value."),
    ('{"a": -Infinity}', "It holds -Infinity, which is not a JSON value."),
    ('{"a": 1e999}', "It holds the number 1e999, which is too large."),
    ('{"a": ' + "9" * 5000 + "}", "It holds a number of 5,000 digits."),
    (r'{"a": "\ud83d"}', "It holds half of a character (a lone surrogate), which is not text."),
    (r'{"\ud83d": "a"}', "It holds half of a character (a lone surrogate), which is not text."),
    (r'{"a": "x\u0000y"}', r'It holds a NUL character in "x\u0000y".'),
    ('{"a": "x\0y"}', "It is not valid JSON: invalid control character at character 9."),
    ('{"a": ' + "[" * 40 + "]" * 40 + "}", "It is nested too deeply."),
    ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "It is nested too deeply."),
    ('{"a": ' + "[" * 200_000, "It is nested too deeply."),
    ('{"a": "' + "x" * 1_000_000 + '"}', "It is longer than 1,000,000 characters."),
]


@pytest.mark.parametrize("bad, reason", FAULTS, ids=[bad[:24] for bad, _ in FAULTS])
def test_a_bad_line_is_rejected_with_its_number_and_the_others_are_read(lines, bad, reason):
    table = lines(f'{{"a": "1"}}\n\n{bad}\n{{"a": "2"}}\n')
    assert [row["a"] for row in table.rows] == ["1", "2"]
    assert table.numbers == [1, 3] and table.lines == [1, 4]
    assert [(bad.row, bad.line, bad.reason) for bad in table.rejected] == [(2, 3, reason)]


@pytest.mark.parametrize("bad", ['{"a": 1, "a": 2}', '{"a": NaN}', r'{"a": "\ud83d"}', "[1]", '"x"'])
def test_a_bad_element_of_an_array_is_rejected_with_its_number(document, bad):
    table = document(f'[{{"a": "1"}},\n{bad},\n{{"a": "2"}}]')
    assert [row["a"] for row in table.rows] == ["1", "2"]
    assert [(bad.row, bad.line) for bad in table.rejected] == [(2, 2)]


def test_whole_surrogate_pairs_and_escaped_backslashes_are_text(lines):
    assert lines(r'{"a": "\ud83d\ude00", "b": "\\u0000"}').rows == [{"a": "😀", "b": r"\u0000"}]


@pytest.mark.parametrize("written, read", [("1e5", "1e5"), ("1.50", "1.50"), ("0.1", 0.1), ("7", 7), ("-2.5", -2.5)])
def test_a_number_keeps_its_spelling(lines, written, read):
    assert lines(f'{{"a": {written}}}').rows == [{"a": read}]


@pytest.mark.parametrize(
    "content, rows",
    [
        ('{"a": ["1", "2"], "b": ["x", "y"]}', [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]),
        ('{"version": 1, "rows": [{"a": "1"}, {"a": "2"}]}', [{"a": "1"}, {"a": "2"}]),
        ('{"a": "1"}', [{"a": "1"}]),
        ('{"messages": [{"role": "user", "content": "x"}]}', [{"messages": [{"role": "user", "content": "x"}]}]),
        ("{}", []),
        ("[]", []),
        (" [ ] ", []),
    ],
)
def test_a_document_has_one_of_four_shapes(document, content, rows):
    assert document(content).rows == rows


BROKEN = [
    ('[{"a": 1},\n {"a": 2', r"Row 2 in line 2, character 9: .*seems to be cut off"),
    ('[{"a": 1},]', "Row 2 in line 1, character 11"),
    ('[{"a": 1} {"a": 2}]', 'does not go on with "," or "]"'),
    ('[{"a": 1}', "The list in line 1, character 10"),
    ('[{"a": 1}] []', "Something follows the end of the list"),
    ('{"a": [1, 2], "b": [1]}', "differ in length: a 2, b 1"),
    ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "more than one list of rows: a, b"),
    ('{"a": 1, "a": 2}', "more than once"),
    ('"text"', "holds a text, not rows"),
    ("[" * 200_000, "nested too deeply"),
    ("", "not valid JSON"),
]


@pytest.mark.parametrize("content, message", BROKEN, ids=[content[:24] for content, _ in BROKEN])
def test_a_broken_document_is_refused_with_the_place(document, content, message):
    with pytest.raises(DataError) as error:
        document(content)
    assert __import__("re").search(message, str(error.value))


def test_a_decoder_forgets_the_faults_of_the_value_before():
    decoder = Decoder()
    with pytest.raises(Fault):
        decoder.value('{"a": NaN}')
    assert decoder.value('{"a": 1}') == {"a": 1}
