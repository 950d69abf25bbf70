import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data import records, store
from finetune.data.records import Decoder, Fault, quick, read_document, read_lines
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


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(odd | wild | written, min_size=1, max_size=4))
def test_the_quick_way_reads_what_the_strict_way_reads_or_leaves_it(lines):
    encoded = [line.encode() + b"\n" for line in lines]
    found = quick(b"".join(encoded), encoded)
    if found is not None:
        strictly = [Decoder().value(line.rstrip("\r\n")) for line in lines]
        assert found == strictly and repr(found) == repr(strictly)


@pytest.mark.parametrize(
    "line", [b'{"a": "x", "b": 7}', b'{"m": [{"role": "user", "content": "\\"No\\\\\\", n\xc3\xa4\\n"}]}', b"{}"]
)
def test_plain_rows_are_read_the_quick_way(line):
    assert quick(line, [line]) == [json.loads(line)]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(odd | wild | written, max_size=6), ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
def test_lines_are_judged_alike_however_they_are_kept_and_encoded(tmp_path, content, ending):
    path = tmp_path / "data.jsonl"
    path.write_bytes(ending.join(content).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", 30)
        small = read_lines(path)
        patch.setattr(store, "MEMORY_BYTES", 0)
        large = read_lines(path)
    utf16 = tmp_path / "utf16.jsonl"
    utf16.write_bytes(ending.join(content).encode("utf-16"))
    wide = read_lines(utf16)
    assert small.rows == large.rows == wide.rows
    assert small.rejected == large.rejected == wide.rejected
    assert small.numbers == large.numbers == wide.numbers and small.lines == large.lines == wide.lines


def test_a_line_without_end_is_passed_over_without_being_held(lines):
    table = lines(b'{"a": "1"}\n{"a": "' + b"x" * 9_000_000 + b'"}\n{"a": "2"}')
    assert [row["a"] for row in table.rows] == ["1", "2"] and table.lines == [1, 3]
    assert table.rejected[0].reason == "It is longer than 1,000,000 characters."


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_array_is_read_alike_through_a_small_window(document, monkeypatch, size):
    rows = [{"a": f"x{number}" * number, "b": [number]} for number in range(40)]
    monkeypatch.setattr(records, "WINDOW_CHARACTERS", size)
    table = document(json.dumps(rows, indent=1))
    assert table.rows == rows
    assert table.lines == [2 + 6 * number for number in range(40)]
    with pytest.raises(DataError, match=r"Row 3 in line 4, character 3: It is not valid JSON: expecting value"):
        document('[{"a": 1},\n{"a":\n 2},\n  ?, {"a": 3}]')


def test_a_row_of_an_array_that_is_too_long_is_rejected_and_an_endless_one_ends_the_reading(document, monkeypatch):
    table = document('[{"a": "' + "x" * 1_100_000 + '"}, {"a": "y"}]')
    assert table.rows == [{"a": "y"}] and table.rejected[0].row == 1
    monkeypatch.setattr(records, "WINDOW_CHARACTERS", 5)
    monkeypatch.setattr(records, "MAX_ELEMENT_CHARACTERS", 100)
    with pytest.raises(DataError, match="Row 2 in line 1, character 20: .*unterminated string"):
        document('[{"a": "x"}, {"a": "' + "y" * 1000 + '"}]')
    monkeypatch.setattr(records, "MAX_DOCUMENT_CHARACTERS", 20)
    with pytest.raises(DataError, match="and no list of rows"):
        document('{"rows": [{"a": "1"}, {"a": "2"}]}')


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(
        odd | wild | written | st.builds(json.dumps, st.fixed_dictionaries({"q": text, "n": plain})), max_size=12
    ),
    size=st.sampled_from([1, 40, 200]),
    mark=st.booleans(),
)
def test_a_large_file_is_read_alike_in_columns_and_line_by_line(tmp_path, content, size, mark):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" * mark + "\n".join(content).encode())
    small = read_lines(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "COLUMN_BYTES", size)
        patch.setattr(store, "MEMORY_BYTES", 0)
        large = read_lines(path)
    assert large.rows == small.rows and large.rejected == small.rejected
    assert (large.numbers, large.lines, large.columns) == (small.numbers, small.lines, small.columns)
    for name in small.columns:
        wanted = [isinstance(row.get(name), str) and bool(row[name].strip()) for row in small.rows]
        assert all(is_text for is_sure, is_text in zip(large.rows.hold_prose([name]), wanted) if is_sure)


def test_rows_of_one_shape_are_taken_as_columns(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "COLUMN_BYTES", 100)
    monkeypatch.setattr(store, "MEMORY_BYTES", 0)
    path = tmp_path / "data.jsonl"
    path.write_text("".join(f'{{"q": "Why {n}?", "n": {n}}}\n' for n in range(100)))
    table = read_lines(path)
    assert list(table.rows) == [{"q": f"Why {n}?", "n": n} for n in range(100)]
    assert table.rows.hold_prose(["q"]).sum() > 50 and not table.rows.hold_prose(["n"]).any()
