import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from finetune.data.readers.arrow import BATCH_ROWS, Arrow
from finetune.errors import DataError

ROWS = [
    {"messages": [{"role": "user", "content": f"日本 {n}?"}], "note": "NA", "score": n} for n in range(BATCH_ROWS + 5)
]
WAYS = ("stream", "uncompressed", "lz4", "zstd")


@pytest.fixture
def write(tmp_path):
    def write(table, way="uncompressed"):
        path = tmp_path / "data.arrow"
        if way == "stream":
            with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
        else:
            feather.write_feather(table, str(path), compression=way)
        return path

    return write


@pytest.mark.parametrize("way", WAYS)
def test_rows_come_as_python_values_however_they_are_packed(write, way):
    table = Arrow().read(write(pyarrow.Table.from_pylist(ROWS), way))
    assert table.rows == ROWS
    assert table.columns == ("messages", "note", "score") and table.numbers[-1] == len(ROWS)


@pytest.mark.parametrize("way", WAYS)
def test_repeated_values_are_read(write, way):
    values = pyarrow.array(["red", "blue", "red"]).dictionary_encode()
    table = Arrow().read(write(pyarrow.table({"colour": values}), way))
    assert [row["colour"] for row in table.rows] == ["red", "blue", "red"]


@pytest.mark.parametrize("way", ["lz4", "zstd"])
def test_a_bomb_is_refused_before_it_is_unpacked(write, way):
    path = write(pyarrow.table({"text": ["x" * 200_000_000]}), way)
    assert path.stat().st_size < 1_000_000
    before = pyarrow.total_allocated_bytes()
    with pytest.raises(DataError, match="unpack to more than"):
        Arrow().read(path)
    assert pyarrow.total_allocated_bytes() - before < 2**20


def test_a_truncated_file_is_damaged(write):
    path = write(pyarrow.Table.from_pylist(ROWS))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="is damaged: It is truncated"):
        Arrow().read(path)


def test_columns_that_share_a_name_are_refused(write):
    table = pyarrow.Table.from_arrays([pyarrow.array(["1"])] * 2, names=["a", "a"])
    with pytest.raises(DataError, match='More than one column is named "a"'):
        Arrow().read(write(table, "stream"))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), way=st.sampled_from(WAYS))
def test_a_damaged_file_is_called_damaged_or_read(write, data, way):
    path = write(pyarrow.Table.from_pylist(ROWS[:40]), way)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(8, len(content) - 1), min_size=1, max_size=4)):
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    try:
        assert Arrow().read(path).total_rows >= 0
    except DataError as error:
        assert error.message
