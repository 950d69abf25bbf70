import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data.readers import document as module
from finetune.data.readers import window
from finetune.data.readers.document import Document
from finetune.errors import DataError
from tests.records import row


@pytest.fixture
def document(tmp_path):
    def read(content):
        path = tmp_path / "data.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Document().read(path)

    return read


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, max_size=3), indent=st.sampled_from([None, 0, 2]))
def test_arrays_make_the_round_trip(document, rows, indent):
    assert document(json.dumps(rows, indent=indent)).rows == rows


@pytest.mark.parametrize("bad", ["[1]", '"x"', "null", r'{"\ud83d": 1}', "[Infinity]"])
def test_a_bad_element_of_an_array_is_rejected_with_its_number(document, bad):
    table = document(f'[{{"a": "1"}},\n{bad},\n{{"a": "2"}}]')
    assert [row["a"] for row in table.rows] == ["1", "2"]
    assert [(bad.row, bad.line) for bad in table.rejected] == [(2, 2)]


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
    ('[{"a": 2', r"Row 1 in line 1, character 9: .*seems to be truncated"),
    ('[{"a": 1} ?]', 'does not continue with "," or "]"'),
    ('[{"a": 1}, ?, {"a": 2}]', "Row 2 in line 1, character 12: It is not valid JSON"),
    ('[{"a": 1}] ?', "in line 1, character 12: It is not valid JSON"),
    ('{"a": [1, 2], "b": [1]}', "differ in length: a 2, b 1"),
    ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "more than one list of rows: a, b"),
    (r'{"\ud83d": 1}', "lone surrogate"),
    ('"text"', "contains a text, not rows"),
    ("[" * 200_000, "nested too deeply"),
    ("", "not valid JSON"),
]


@pytest.mark.parametrize("content, message", BROKEN, ids=[content[:24] for content, _ in BROKEN])
def test_a_broken_document_is_refused_with_the_place(document, content, message):
    with pytest.raises(DataError) as error:
        document(content)
    assert re.search(message, str(error.value))


LOOSE = [
    ('[{"a": 1}, {"a": 2},]', "misplaced commas"),
    ('[{"a": 1} {"a": 2}]', "misplaced commas"),
    ("[{'a': 1}, {'a': 2}]", "Python literals"),
    ('// two\n[{"a": 1}, /* one more */ {"a": 2}] # end', "comments"),
    ('[{"a": 1}] [] \ufeff[{"a": 2}]', ""),
    ('{"a": 1}{"a": 2}', ""),
    ('{\n "a": 1\n}\n{\n "a": 2\n}', ""),
    ('{"a": 1},\n{"a": 2},\n', "misplaced commas"),
    ('{"a": 1}\n[{"a": 2}]', ""),
]


@pytest.mark.parametrize("size", [24, 2**21])
@pytest.mark.parametrize("content, note", LOOSE, ids=[content for content, _ in LOOSE])
def test_what_is_meant_is_read_with_a_note(document, monkeypatch, content, note, size):
    monkeypatch.setattr(window, "WINDOW_CHARACTERS", size)
    table = document(content)
    assert table.rows == [{"a": 1}, {"a": 2}] and not table.rejected
    assert note in " ".join(table.notes)


TRUNCATED = [
    '[{"a": 1},\n {"a": "x',
    '[{"a": 1}',
    '[{"a": 1},',
    '[{"a": 1}, {"a',
    '[{"a": 1}, {"a": tr',
    '{"a": 1} {"a": 2, "b',
]


@pytest.mark.parametrize("content", TRUNCATED)
def test_the_whole_rows_of_a_file_that_is_truncated_are_read(document, content):
    table = document(content)
    assert table.rows == [{"a": 1}] and "truncated" in " ".join(table.notes)
    assert all("truncated" in bad.reason and bad.row == 2 for bad in table.rejected)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_array_is_read_alike_through_a_small_window(document, monkeypatch, size):
    rows = [{"a": f"x{number}" * number, "b": [number]} for number in range(40)]
    monkeypatch.setattr(window, "WINDOW_CHARACTERS", size)
    table = document(json.dumps(rows, indent=1))
    assert table.rows == rows
    assert table.lines == [2 + 6 * number for number in range(40)]
    with pytest.raises(DataError, match=r"Row 3 in line 4, character 3: It is not valid JSON: expecting value"):
        document('[{"a": 1},\n{"a":\n 2},\n  ?, {"a": 3}]')


def test_a_row_of_an_array_that_is_too_long_is_rejected_and_an_endless_one_ends_the_reading(document, monkeypatch):
    table = document('[{"a": "' + "x" * 1_100_000 + '"}, {"a": "y"}]')
    assert table.rows == [{"a": "y"}] and table.rejected[0].row == 1
    monkeypatch.setattr(window, "WINDOW_CHARACTERS", 5)
    monkeypatch.setattr(window, "MAX_ELEMENT_CHARACTERS", 100)
    with pytest.raises(DataError, match="Row 2 in line 1, character 20: .*unterminated string"):
        document('[{"a": "x"}, {"a": "' + "y" * 1000 + '"}]')
    monkeypatch.setattr(module, "MAX_DOCUMENT_CHARACTERS", 20)
    with pytest.raises(DataError, match="and not a list of rows"):
        document('{"rows": [{"a": "1"}, {"a": "2"}]}')
