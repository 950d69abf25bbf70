import gzip
import json

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from finetune.data import sources
from finetune.data.sources import read_table
from finetune.errors import DataError

ROWS = [{"prompt": "Sea?", "completion": "Blue; or green."}, {"prompt": "007", "completion": "NA"}]


def write_all(folder):
    """The same rows in every kind of file."""
    csv = 'prompt{0}completion\r\nSea?{0}"Blue; or green."\r\n007{0}NA\r\n'
    lines = "\n".join(json.dumps(row) for row in ROWS)
    texts = {
        "comma.csv": csv.format(","), "semicolon.csv": csv.format(";"), "tab.tsv": csv.format("\t"),
        "lines.jsonl": lines, "lines.json": lines, "lines.csv": lines, "array.json": json.dumps(ROWS, indent=1),
        "arrays.json": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
        "nested.json": json.dumps({"rows": ROWS}),
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "utf16.csv").write_text(csv.format("\t"), encoding="utf-16")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "rows.parquet")
    book = Workbook()
    for row in (list(ROWS[0]), *[list(row.values()) for row in ROWS]):
        book.active.append(row)
    book.save(folder / "rows.xlsx")
    return sorted(folder.iterdir())


def test_every_kind_of_file_gives_the_same_rows(tmp_path):
    for path in write_all(tmp_path):
        table = read_table(path)
        assert table.rows == ROWS, path.name
        assert table.columns == ("prompt", "completion")
        assert table.numbers == [1, 2]


def test_text_gives_paragraphs(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# Title\n\nSome words.\n", encoding="utf-8")
    assert read_table(path).rows == [{"text": "# Title"}, {"text": "Some words."}]


@pytest.mark.parametrize(
    "name, content",
    [("a.csv", ""), ("a.csv", "\n\n "), ("a.csv", "a,b\n"), ("a.csv", "\ufeff"), ("a.jsonl", ""), ("a.jsonl", "\n"),
     ("a.json", "[]"), ("a.txt", " \n"), ("a.xlsx", "")],
)  # fmt: skip
def test_a_file_without_rows_is_said_to_have_none(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=f"There are no rows in {name}"):
        read_table(tmp_path / name)


def test_a_file_of_bad_rows_only_is_refused_with_the_first_reason(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("x\ny\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"None of the 2 rows .* Row 1 \(line 1\): It is not valid"):
        read_table(path)
    path.write_text("x\n", encoding="utf-8")
    with pytest.raises(DataError, match="The only row cannot be read. Row 1"):
        read_table(path)


def test_a_file_that_is_not_there_or_a_folder_is_a_sentence(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="There is no file"):
            read_table(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 3)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="larger than"):
        read_table(tmp_path / "a.csv")


def test_a_compressed_table_is_not_unpacked(tmp_path):
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(DataError, match="gzip archive"):
        read_table(tmp_path / "a.csv")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    return [(path.name, path.read_bytes()) for path in write_all(tmp_path_factory.mktemp("originals"))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_file_is_read_or_refused_in_words(tmp_path, originals, data):
    name, content = data.draw(st.sampled_from(originals))
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if change == "flip":
            mutated[place] ^= data.draw(st.integers(1, 255))
        elif change == "cut":
            del mutated[place : place + data.draw(st.integers(1, 50))]
        else:
            mutated[place:place] = data.draw(st.binary(min_size=1, max_size=5))
        if not mutated:
            break
    path = tmp_path / name
    path.write_bytes(bytes(mutated))
    try:
        table = read_table(path)
    except DataError as error:
        assert error.message
    else:
        assert table.rows and len(table.rows) == len(table.numbers) == len(table.lines)
