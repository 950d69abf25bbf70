import time

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data.faulty import Faulty
from finetune.data.readers import parquet as reader
from finetune.data.readers.parquet import Parquet
from finetune.errors import DataError

CHAT = [{"role": "user", "content": "日本?"}, {"role": "assistant", "content": "Japan"}]


@pytest.fixture
def write(tmp_path):
    def write(table, **options):
        path = tmp_path / "data.parquet"
        pyarrow.parquet.write_table(table, path, **options)
        return path

    return write


def test_rows_come_as_python_values(write):
    rows = [{"messages": CHAT, "note": "NA", "score": 1}, {"messages": CHAT[:1], "note": None, "score": 2}]
    table = Parquet().read(write(pyarrow.Table.from_pylist(rows)))
    assert table.rows == rows
    assert table.columns == ("messages", "note", "score")


def test_batches_join_without_a_seam(write):
    values = [f"text {n}" for n in range(reader.BATCH_ROWS * 2 + 1)]
    table = Parquet().read(write(pyarrow.table({"text": values})))
    assert [row["text"] for row in table.rows] == values


@pytest.mark.threat("T11")
def test_a_file_that_unpacks_to_too_many_rows_is_refused_at_once(write):
    bomb = write(pyarrow.table({"text": pyarrow.DictionaryArray.from_arrays([0] * 1_100_000, ["x" * 1000])}))
    assert bomb.stat().st_size < 200_000
    with pytest.raises(DataError, match="1,100,000 rows; 1,000,000 can be read"):
        Parquet().read(bomb)


LONG = "x" * 10_000_000
BOMBS = {
    "one value for all rows": (
        {"t": pyarrow.DictionaryArray.from_arrays([0] * 100_000, [LONG])},
        "unpack to more than",
    ),
    "one value in conversations": ({"m": [[{"role": "user", "content": LONG[:999_000]}]] * 200}, "unpack to more than"),
    "a short value for all rows": (
        {"t": pyarrow.DictionaryArray.from_arrays([0] * 900_000, ["x" * 1000])},
        "unpack to more than",
    ),
    "an endless list": (
        {"t": pyarrow.ListArray.from_arrays([0, 3_000_000], pyarrow.nulls(3_000_000, pyarrow.int8()))},
        "values of t.list.element are too",
    ),
    "an endless value": ({"t": ["x" * 40_000_000]}, "unpack to more than"),
}


@pytest.mark.threat("T11")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_seconds_and_little_memory(write, name):
    columns, message = BOMBS[name]
    path = write(pyarrow.table(columns), dictionary_pagesize_limit=2**30, compression="zstd")
    assert path.stat().st_size < 500_000
    began = time.monotonic()
    with pytest.raises(DataError, match=message):
        Parquet().read(path)
    assert time.monotonic() - began < 5  # a second or less on an idle machine
    assert pyarrow.default_memory_pool().bytes_allocated() < 150 * 2**20


def test_a_value_in_many_rows_is_read(write):
    text = "x" * 2000
    path = write(pyarrow.table({"t": pyarrow.DictionaryArray.from_arrays([0, 1] * 5000, [text, "y"])}))
    assert Parquet().read(path).rows == [{"t": text}, {"t": "y"}] * 5000


def test_a_nul_is_a_fault_of_its_value(write):
    table = Parquet().read(write(pyarrow.table({"text": ["a", "b\0c", "d"], "other": ["x", "y", "z"]})))
    assert [str(row["text"]) for row in table.rows] == ["a", "It contains a NUL character, which is not text.", "d"]
    assert [row["other"] for row in table.rows] == ["x", "y", "z"] and isinstance(table.rows[1]["text"], Faulty)


def test_columns_that_share_a_name_are_refused(write):
    with pytest.raises(DataError, match='More than one column is named "a"'):
        Parquet().read(write(pyarrow.Table.from_arrays([pyarrow.array(["1"])] * 2, names=["a", "a"])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_called_damaged_or_read(write, data):
    path = write(pyarrow.table({"text": [f"text {n}" for n in range(300)]}))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(4, len(content) - 1))]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    try:
        assert Parquet().read(path).total_rows >= 0
    except DataError as error:
        assert error.message
