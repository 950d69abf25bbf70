"""What Arrow adds to values is taken out again: rows from Parquet equal the same rows as JSON lines."""

import datetime
import decimal
import json
import uuid

import pyarrow
import pyarrow.parquet
import pytest

from finetune.data.faulty import Faulty
from finetune.data.sources import read_table

TOWN = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"town": {"type": "string", "enum": ["Oslo", None]}}},
    },
}
SUM = {"type": "function", "function": {"name": "add", "parameters": {"properties": {"a": {"minimum": 0}}}}}
CALL = {"function": {"name": "add", "arguments": {"a": 1}}}
SHAPES = {
    "parameters of different tools": [{"tools": [TOWN]}, {"tools": [SUM]}, {"tools": None}, {"tools": []}],
    "arguments of different calls": [
        {"messages": [{"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [CALL]}]},
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "weather", "arguments": {"town": "Oslo"}}}]}
            ]
        },
    ],
    "a response format": [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"required": ["a"]}}}},
        {"response_format": {"type": "text"}},
    ],
    "an object as the answer": [{"answer": {"name": "Ann", "age": 3}}, {"answer": {"name": "Bob", "town": "Oslo"}}],
    "an empty object": [{"arguments": {}}, {"arguments": {"a": 1}}],
    "lists in lists": [{"pairs": [[{"a": 1}], [{"b": "x"}]]}, {"pairs": [[]]}],
    "null in a list, and in a cell": [{"a": [None, "x"], "b": None}, {"a": None, "b": "y"}],
    "JSON in a text": [{"tools": json.dumps([{"a": None}])}, {"tools": "[]"}],
}


def write(folder, table, way):
    path = folder / f"rows.{way}"
    if way == "parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("way", ["parquet", "arrow"])
@pytest.mark.parametrize("title", SHAPES)
def test_nested_values_are_as_they_were_written(tmp_path, title, way):
    rows = SHAPES[title]
    table = read_table(write(tmp_path, pyarrow.Table.from_pylist(rows), way))
    assert table.rows == rows


def test_json_lines_keep_their_nulls(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"tools": [{"a": null}]}\n')
    assert read_table(path).rows == [{"tools": [{"a": None}]}]


@pytest.mark.parametrize(
    "values, kind, read",
    [
        ([decimal.Decimal("12.50"), None], None, ["12.50", None]),
        ([datetime.date(2026, 1, 31)], None, ["2026-01-31"]),
        ([datetime.datetime(2026, 1, 31, 9, 30)], None, ["2026-01-31 09:30:00"]),
        ([datetime.datetime(2026, 1, 31)], None, ["2026-01-31"]),
        ([datetime.timedelta(minutes=90)], None, ["1:30:00"]),
        (["naïve".encode(), b"\xff\xfe"], pyarrow.binary(), ["naïve", b"\xff\xfe"]),
        ([float("nan"), 0.5], None, [None, 0.5]),
        ([[("town", "Oslo")], []], pyarrow.map_(pyarrow.string(), pyarrow.string()), [{"town": "Oslo"}, {}]),
        ([[("a", 1), ("a", 2)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()), [[["a", 1], ["a", 2]]]),
        ([1.5], pyarrow.float32(), [1.5]),
        ([2**60], pyarrow.timestamp("s"), ["<value out of range: 1152921504606846976>"]),
        ([uuid.UUID(int=5).bytes], pyarrow.uuid(), ["00000000-0000-0000-0000-000000000005"]),
        (["x", "x"], pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), ["x", "x"]),
    ],
)
def test_a_value_that_json_lacks_is_text(tmp_path, values, kind, read):
    array = (
        pyarrow.array(values, kind)
        if kind != pyarrow.uuid()
        else pyarrow.ExtensionArray.from_storage(kind, pyarrow.array(values, pyarrow.binary(16)))
    )
    table = pyarrow.table({"value": array, "other": ["o"] * len(values)})
    found = [row["value"] for row in read_table(write(tmp_path, table, "arrow")).rows]
    assert found == read and [type(value) for value in found] == [type(value) for value in read]


def test_a_fault_stays_with_its_value(tmp_path):
    rows = [{"a": "x", "b": float("inf"), "c": [{"d": "\0"}]}, {"a": "y", "b": 0.5, "c": [{"d": "z"}]}]
    found = read_table(write(tmp_path, pyarrow.Table.from_pylist(rows), "parquet")).rows
    assert [row["a"] for row in found] == ["x", "y"] and found[1] == rows[1]
    assert "infinity" in str(found[0]["b"]) and "NUL" in str(found[0]["c"]) and isinstance(found[0]["c"], Faulty)
