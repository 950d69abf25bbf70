"""What pandas, the datasets library and people write as JSON gives the rows that were in it."""

import json

import pandas
import pytest

from finetune.data.faulty import Faulty
from finetune.data.readers.shapes import row_in, rows_in
from finetune.data.sources import read_table
from finetune.errors import DataError

ROWS = [
    {"prompt": f"Where is {town}?", "completion": f"In {land}."} for town, land in (("Oslo", "N"), ("Bern", "S"))
] * 6
CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def read(folder, content, name="rows.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    table = read_table(path)
    return list(table.rows), table


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "table"])
@pytest.mark.parametrize("index", [None, [f"row-{number}" for number in range(12)]])
def test_each_orient_of_pandas(tmp_path, orient, index):
    frame = pandas.DataFrame(ROWS, index=index)
    rows, _ = read(tmp_path, frame.to_json(orient=orient))
    assert [{key: row[key] for key in ROWS[0]} for row in rows] == ROWS


def test_the_orients_of_pandas_without_names(tmp_path):
    rows, table = read(tmp_path, pandas.DataFrame(ROWS).to_json(orient="values"))
    assert rows[0] == {"column_1": ROWS[0]["prompt"], "column_2": ROWS[0]["completion"]} and len(rows) == 12
    assert "list of values" in table.notes[0]


SPLITS = {"train": ROWS[:9], "test": ROWS[9:]}


@pytest.mark.parametrize(
    "content",
    [
        SPLITS,
        {"version": 1, **SPLITS},
        {"data": SPLITS},
        {"Train": ROWS[:9], "eval": ROWS[9:]},
        {split: json.loads(pandas.DataFrame(rows).to_json()) for split, rows in SPLITS.items()},
    ],
)
def test_splits_become_a_column(tmp_path, content):
    rows, table = read(tmp_path, content)
    assert rows == [{**row, "split": "train" if n < 9 else "test"} for n, row in enumerate(ROWS)]
    assert "splits" in " ".join(table.notes)


@pytest.mark.parametrize(
    "content",
    [
        {"train": ROWS},
        {"data": {"train": ROWS}},
        {"data": {"rows": ROWS, "count": 12}},
        {"features": [{"name": "prompt"}], "rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]},
        {"schema": {"fields": [{"name": "prompt"}]}, "data": ROWS},
    ],
)
def test_rows_inside_objects(tmp_path, content):
    assert read(tmp_path, content)[0] == ROWS


@pytest.mark.parametrize(
    "content, rows",
    [
        ([CHAT, CHAT], [{"messages": CHAT}] * 2),
        ({"conversations": [CHAT, CHAT]}, [{"conversations": CHAT}] * 2),
        ({"messages": CHAT}, [{"messages": CHAT}]),
        ({"request": {"messages": CHAT}, "id": 1}, [{"request": {"messages": CHAT}, "id": 1}]),
        ({"train": CHAT}, [{"train": CHAT}]),
        (
            {"prompt": {"text": "a"}, "completion": {"text": "b"}},
            [{"prompt": {"text": "a"}, "completion": {"text": "b"}}],
        ),
    ],
)
def test_turns_are_no_rows(tmp_path, content, rows):
    assert read(tmp_path, content)[0] == rows


def test_a_list_of_turns_per_line(tmp_path):
    rows, table = read(tmp_path, "\n".join([json.dumps(CHAT)] * 3), "rows.jsonl")
    assert rows == [{"messages": CHAT}] * 3 and "list of turns" in table.notes[0]


def test_what_the_viewer_truncated_is_a_fault():
    item = {"row": {"a": "x", "b": "y"}, "truncated_cells": ["b"]}
    assert rows_in({"rows": [item]}, "x.json", []) == [
        {"a": "x", "b": Faulty("The viewer of the Hub has truncated it.")}
    ]


def test_two_lists_of_rows_are_refused():
    with pytest.raises(DataError, match="more than one list of rows: a, b"):
        rows_in({"a": ROWS, "b": ROWS}, "x.json", [])


def test_an_object_is_a_row_as_it_is():
    assert row_in({"a": [1]}) == ({"a": [1]}, "")
