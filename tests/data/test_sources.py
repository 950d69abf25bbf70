import gzip
import json

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from finetune.data import sources
from finetune.data import table as limits
from finetune.data.readers.signature import EncodingError
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table, read_tables, read_text
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
    (folder / "lines.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "table.md").write_text("|prompt|completion|\n|-|-|\n|Sea?|Blue; or green.|\n|007|NA|\n", encoding="utf-8")
    (folder / "list.yaml").write_text(
        "- prompt: Sea?\n  completion: Blue; or green.\n- prompt: 007\n  completion: NA\n", encoding="utf-8"
    )
    (folder / "page.html").write_text(
        "<table><tr><td>prompt<td>completion<tr><td>Sea?<td>Blue; or green.<tr><td>007<td>NA</table>", encoding="utf-8"
    )
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


def test_a_compressed_table_is_unpacked(tmp_path):
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(tmp_path / "a.csv").rows == [{"a": "1", "b": "2"}]


def test_a_file_in_another_encoding_is_read_as_offered(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("q,a\n1,café\n".encode("cp1252"))
    with pytest.raises(EncodingError) as caught:
        read_table(path)
    settings = DataSettings(path="a.csv", encoding=caught.value.encoding)
    assert read_table(path, settings).rows == [{"q": "1", "a": "café"}]


@pytest.mark.parametrize(
    "name, content", [("a.csv", "q,a\n1,é\n"), ("a.jsonl", '{"q": "é"}'), ("a.json", '[{"q": "é"}]'), ("a.txt", "é")]
)
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8"])
def test_every_text_is_read_in_the_chosen_encoding(tmp_path, name, content, encoding):
    (tmp_path / name).write_bytes(content.encode("utf-16-le" if encoding == "utf-16" else encoding))
    assert "é" in read_table(tmp_path / name, DataSettings(path=name, encoding=encoding)).rows[0].values()


def test_text_is_one_row_if_wanted(tmp_path):
    (tmp_path / "a.md").write_text("# One\n\ntwo\n")
    assert read_table(tmp_path / "a.md", DataSettings(path="a.md", whole_text=True)).rows == [{"text": "# One\n\ntwo"}]


@pytest.fixture
def write(tmp_path):
    def write(**contents):
        for name, content in contents.items():
            (tmp_path / name.replace("_", ".")).write_text(content, encoding="utf-8")
        return [tmp_path / name.replace("_", ".") for name in contents]

    return write


def test_several_files_are_one_table(write):
    table = read_tables(
        write(a_csv="q,a\n1,2\n3,4\n", b_jsonl='{"q": "5", "a": "6"}\nx\n{"q": "7"}\n', c_csv="a;q\n8;9\n")
    )
    assert [row["q"] for row in table.rows] == ["1", "3", "5", "7", "9"]
    assert table.numbers == [1, 2, 3, 5, 6] and table.lines == [2, 3, 1, 3, 2]
    assert [row.where for row in table.rejected] == ["row 4 (of b.jsonl, line 2)"]
    assert table.files == [("a.csv", 1), ("b.jsonl", 3), ("c.csv", 6)]
    assert table.notes == ["c.csv: The columns are separated by semicolons."]


def test_files_with_other_columns_are_refused_by_name(write):
    with pytest.raises(DataError, match=r"b.csv does not have the columns of a.csv: it lacks a and it also has b, c\."):
        read_tables(write(a_csv="q,a\n1,2\n", b_csv="q,b,c\n1,2,3\n"))


def test_a_fault_in_one_of_several_files_names_it(write):
    with pytest.raises(DataError, match=r"In b.csv: Row 1 \(line 2\) has 1 values"):
        read_tables(write(a_csv="q,a\n1,2\n", b_csv="q,a\n1\n"))


def test_several_files_share_the_budget(write, monkeypatch):
    monkeypatch.setattr(sources, "MAX_ROWS", 3)
    with pytest.raises(DataError, match="Up to b.csv, there are more than 3 rows"):
        read_tables(write(a_csv="q\n1\n2\n", b_csv="q\n3\n4\n"))


def test_one_file_of_several_is_that_file(write):
    assert read_tables(write(a_csv="q,a\n1,2\n")).files == []
    with pytest.raises(DataError, match="no file to read"):
        read_tables([])


@pytest.mark.parametrize(
    "text, rows",
    [
        ("q,a\n1,2", [{"q": "1", "a": "2"}]),
        ("q\ta\n007\tNA", [{"q": "007", "a": "NA"}]),
        ('{"q": "1"}\n{"q": "2"}', [{"q": "1"}, {"q": "2"}]),
        ('[{"q": "1"}]', [{"q": "1"}]),
        ("Some words.\n\nMore.", [{"text": "Some words."}, {"text": "More."}]),
    ],
)
def test_pasted_text_is_recognized_by_its_content(text, rows):
    assert read_text(text).rows == rows


def test_pasted_text_without_rows_or_with_half_a_character_or_too_long_is_refused(monkeypatch):
    with pytest.raises(DataError, match="no rows in pasted text"):
        read_text(" \n")
    with pytest.raises(DataError, match="Character 2 of pasted text is half of a character"):
        read_text("a\ud83d")
    monkeypatch.setattr(sources, "MAX_PASTED", 3)
    with pytest.raises(DataError, match="longer than 3 characters"):
        read_text("abcd")


def test_progress_runs_from_nothing_to_all(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PULSE_S", 0)
    for path in write_all(tmp_path):
        path.write_bytes(path.read_bytes())
    lines = tmp_path / "many.jsonl"
    lines.write_text('{"q": "1234567890"}\n' * 30_000)
    for path in sorted(tmp_path.iterdir()):
        shares = []
        read_table(path, progress=shares.append)
        assert shares[-1] == 1.0 and shares == sorted(shares) and all(0 <= share <= 1 for share in shares), path.name
    shares = []
    read_tables([lines, lines], progress=shares.append)
    assert len(shares) > 4 and shares == sorted(shares) and 0.5 in shares


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
