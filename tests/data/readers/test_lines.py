import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data import store
from finetune.data import table as limits
from finetune.data.faulty import Faulty
from finetune.data.readers import lines as module
from finetune.data.readers.lines import JsonLines
from finetune.errors import DataError
from tests.records import odd, plain, row, text, wild, written


@pytest.fixture
def lines(tmp_path):
    def read(content):
        path = tmp_path / "data.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return JsonLines().read(path)

    return read


def read_in_blocks(patch, columns, part, block):
    """Even small files are read as large ones are, so many bytes at once."""
    for name, size in (("COLUMN_BYTES", columns), ("PART_BYTES", part), ("BLOCK_BYTES", block)):
        patch.setattr(module, name, size)
    patch.setattr(store, "MEMORY_BYTES", 0)


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


FAULTS = [
    ('{"a": "x"', "It is not valid JSON: expecting ',' delimiter at character 10."),
    ('{"a": "x"} {"a": "y"}', "It is not valid JSON: something follows the value at character 12."),
    ("plain words", "It is not valid JSON: expecting value at character 1."),
    ('["a"]', "It is a list, not an object with named columns."),
    ('"a"', "It is a text, not an object with named columns."),
    ("3", "It is a number or a boolean, not an object with named columns."),
    ("null", "It is empty (null), not an object with named columns."),
    (r'{"\ud83d": "a"}', "It contains half of a character (a lone surrogate), which is not text."),
    ('{"a": "x\0y"}', "It is not valid JSON: invalid control character at character 9."),
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


VALUE_FAULTS = [
    ('{"a": 1, "b": 2, "a": 3}', 'It has the key "a" more than once.'),
    ('{"b": 2, "a": {"c": 1, "c": 1}}', 'It has the key "c" more than once.'),
    ('{"b": 2, "a": -Infinity}', "It contains -Infinity, which is not a JSON value."),
    ('{"b": 2, "a": 1e999}', "It contains the number 1e999, which is too large."),
    ('{"b": 2, "a": ' + "9" * 5000 + "}", "It contains a number of 5,000 digits."),
    (r'{"b": 2, "a": "\ud83d"}', "It contains half of a character (a lone surrogate), which is not text."),
    (r'{"b": 2, "a": "x\u0000y"}', r'It contains a NUL character in "x\u0000y".'),
    ('{"b": 2, "a": ' + "[" * 40 + "]" * 40 + "}", "It is nested too deeply."),
]


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("bad, reason", VALUE_FAULTS, ids=[bad[:24] for bad, _ in VALUE_FAULTS])
def test_a_fault_stays_with_its_value(lines, monkeypatch, bad, reason, is_large):
    if is_large:
        read_in_blocks(monkeypatch, 40, 20, 20)
    table = lines(f'{{"a": "1"}}\n{bad}\n{{"a": "2"}}\n')
    assert list(table.rows) == [{"a": "1"}, {"a": Faulty(reason), "b": 2}, {"a": "2"}] and not table.rejected


LOOSE = [
    ("{'a': None, 'b': 'x'}", {"a": None, "b": "x"}, "Python literals"),
    ('{"a": NaN, "b": "x"}', {"a": None, "b": "x"}, "NaN (not a number) is read"),
    ('{"a": "x",}', {"a": "x"}, "misplaced commas"),
    ('{"a": "x"},', {"a": "x"}, "misplaced commas"),
    ('{"a": "x"} // why', {"a": "x"}, "comments"),
    ('\ufeff{"a": "x"}', {"a": "x"}, ""),
    ('{"a": "x\ty"}', {"a": "x\ty"}, "line breaks or tabs"),
    ('[{"role": "user", "content": "x"}]', {"messages": [{"role": "user", "content": "x"}]}, "a list of turns"),
    ('["x", 2]', {"column_1": "x", "column_2": 2}, "a list of values"),
]


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("line, row, note", LOOSE, ids=[line for line, *_ in LOOSE])
def test_what_is_meant_is_read_with_a_note(lines, monkeypatch, line, row, note, is_large):
    if is_large:
        read_in_blocks(monkeypatch, 40, 20, 20)
    table = lines(f'{{"a": "1"}}\n{line}\n# a comment\n{{"a": "2"}}\n')
    assert list(table.rows) == [{"a": "1"}, row, {"a": "2"}] and not table.rejected
    assert note in " ".join(table.notes)


def test_whole_surrogate_pairs_and_escaped_backslashes_are_text(lines):
    assert lines(r'{"a": "\ud83d\ude00", "b": "\\u0000"}').rows == [{"a": "😀", "b": r"\u0000"}]


@pytest.mark.parametrize("written, read", [("1e5", "1e5"), ("1.50", "1.50"), ("0.1", 0.1), ("7", 7), ("-2.5", -2.5)])
def test_a_number_keeps_its_spelling(lines, written, read):
    assert lines(f'{{"a": {written}}}').rows == [{"a": read}]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(odd | wild | written, max_size=6), ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
def test_lines_are_judged_alike_however_they_are_kept_and_encoded(tmp_path, content, ending):
    path = tmp_path / "data.jsonl"
    path.write_bytes(ending.join(content).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", 30)
        small = JsonLines().read(path)
        patch.setattr(store, "MEMORY_BYTES", 0)
        large = JsonLines().read(path)
    utf16 = tmp_path / "utf16.jsonl"
    utf16.write_bytes(ending.join(content).encode("utf-16"))
    wide = JsonLines().read(utf16)
    assert small.rows == large.rows == wide.rows
    assert small.rejected == large.rejected == wide.rejected
    assert small.numbers == large.numbers == wide.numbers and small.lines == large.lines == wide.lines


def test_an_endless_line_is_skipped_without_being_stored(lines):
    table = lines(b'{"a": "1"}\n{"a": "' + b"x" * 9_000_000 + b'"}\n{"a": "2"}')
    assert [row["a"] for row in table.rows] == ["1", "2"] and table.lines == [1, 3]
    assert table.rejected[0].reason == "It is longer than 1,000,000 characters."


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
    small = JsonLines().read(path)
    with pytest.MonkeyPatch.context() as patch:
        read_in_blocks(patch, size, size // 2 + 1, 30)
        large = JsonLines().read(path)
    assert large.rows == small.rows and large.rejected == small.rejected
    assert (large.numbers, large.lines, large.columns) == (small.numbers, small.lines, small.columns)
    for name in small.columns:
        wanted = [isinstance(row.get(name), str) and bool(row[name].strip()) for row in small.rows]
        assert all(is_text for is_sure, is_text in zip(large.rows.hold_prose([name]), wanted) if is_sure)


def test_rows_of_one_schema_are_read_as_columns(tmp_path, monkeypatch):
    read_in_blocks(monkeypatch, 300, 100, 100)
    path = tmp_path / "data.jsonl"
    path.write_text("".join(f'{{"q": "Why {n}?", "n": {n}}}\n' for n in range(100)))
    table = JsonLines().read(path)
    assert list(table.rows) == [{"q": f"Why {n}?", "n": n} for n in range(100)]
    assert table.rows.hold_prose(["q"]).sum() > 90 and not table.rows.hold_prose(["n"]).any()


def test_a_row_with_another_schema_costs_only_its_part_of_a_block(tmp_path, monkeypatch):
    read_in_blocks(monkeypatch, 5000, 300, 300)
    path = tmp_path / "data.jsonl"
    path.write_text("".join(f'{{"q": "Why {n}?", "n": {n / 2 if n == 90 else n}}}\n' for n in range(150)))
    table = JsonLines().read(path)
    assert [row["n"] for row in table.rows] == [45.0 if n == 90 else n for n in range(150)]
    assert 100 < table.rows.hold_prose(["q"]).sum() < 140


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blank_lines_take_no_longer_than_rows_may(lines, monkeypatch, encoding):
    monkeypatch.setattr(limits, "MAX_SECONDS", -1)
    with pytest.raises(DataError, match="Reading takes more than"):
        lines(("\n" * 5000).encode(encoding))
