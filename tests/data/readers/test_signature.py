import gzip
import io
import zipfile

import pytest

from finetune.data.readers import encoding, lines, signature
from finetune.data.readers.encoding import EncodingError
from finetune.data.sources import read_table, reader_of
from finetune.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return buffer.getvalue()


def kind_of(path, requested="auto"):
    """The file of the package that holds the reader of ``path``."""
    return type(reader_of(path, requested)).__module__.rpartition(".")[2]


BINARY = {
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a JPEG image": b"\xff\xd8\xff\xe0" + bytes(100),
    "a gzip archive": gzip.compress(b"prompt,completion\na,b\n"),
    "a zip archive": archive("data.csv"),
    "an SQLite database": b"SQLite format 3\0" + bytes(100),
    "a web page (HTML)": b"\n<!DOCTYPE html><html><body>404</body></html>",
    "an XML file": b'<?xml version="1.0"?><rows/>',
    "a program": b"\x7fELF" + bytes(100),
    "a BMP image": b"BM\x36\x00\x00\x00" + bytes(20),
    "a Python pickle": b"\x80\x04\x95\x10\x00" + bytes(20),
    "a binary file": b"ab" + bytes(range(1, 32)) * 4,
}


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl", "data.txt"])
@pytest.mark.parametrize("what", BINARY)
def test_a_file_is_called_what_it_is_whatever_its_name(write, what, name):
    with pytest.raises(DataError) as error:
        kind_of(write(name, BINARY[what]))
    assert f"This is {what}, not a table" in error.value.message
    assert "Parquet" in error.value.hint


KINDS = [
    ("a.csv", "prompt,completion\na,b\n", "delimited"),
    ("a.tsv", "prompt\tcompletion\na\tb\n", "delimited"),
    ("a.csv", '{"prompt": "a"}\n{"prompt": "b"}\n', "lines"),
    ("a.txt", '{"prompt": "a"}\n{"prompt": "b"}\n', "lines"),
    ("a.json", '{"prompt": "a"}\n{"prompt": "b"}\n', "lines"),
    ("a.json", '[{"prompt": "a"}]', "document"),
    ("a.jsonl", '[{"prompt": "a"},\n{"prompt": "b"}]', "document"),
    ("a.jsonl", '[\n {"prompt": "a"}\n]', "document"),
    ("a.json", '{\n "prompt": ["a"]\n}', "document"),
    ("a.json", '{"rows": [{"prompt": "a"}]}', "document"),
    ("a.jsonl", '{"prompt": "a"}', "lines"),
    ("a.jsonl", '{"prompt": "a\n{"prompt": "b"}\n', "lines"),
    ("a.jsonl", "not json\n", "lines"),
    ("a.json", "not json\n", "document"),
    ("a.txt", "Two, three; four\n\nfive", "paragraphs"),
    ("a.md", "[Link](https://example.org) | a\n", "paragraphs"),
    ("a.dat", "a;b\n1;2\n", "delimited"),
    ("a", "A plain sentence.\n", "paragraphs"),
    ("a.csv", "BM,Übung\n1,2\n", "delimited"),
    ("a.csv", "GIF\nID3\n", "delimited"),
    ("a.csv", b"PAR1" + bytes(20), "parquet"),
    ("a.csv", archive("xl/workbook.xml"), "spreadsheet"),
    ("a.csv", "a,b\n1,2\n".encode("utf-16"), "delimited"),
    ("a.csv", '\ufeff{"a": 1}\n{"a": 2}'.encode(), "lines"),
]


@pytest.mark.parametrize("name, content, kind", KINDS)
def test_the_kind_is_detected_from_the_content(write, name, content, kind):
    assert kind_of(write(name, content)) == kind


FOR_LONG = "\n" * 500

BLANK = [
    ("a.jsonl", FOR_LONG, "lines"),
    ("a.jsonl", FOR_LONG + '{"a": 1}\n', "lines"),
    ("a.jsonl", FOR_LONG + "[\n1]\n", "lines"),
    ("a.json", '{"a": 1}' + FOR_LONG + '{"a": 2}', "lines"),
    ("a.json", '{"a": 1}' + FOR_LONG, "lines"),
    ("a.json", '[{"a": 1}]' + FOR_LONG + '[{"a": 2}]', "document"),
]


@pytest.mark.parametrize("name, content, kind", BLANK)
def test_blank_lines_are_not_skipped_forever_to_detect_the_kind(write, monkeypatch, name, content, kind):
    monkeypatch.setattr(lines, "MAX_BLANK_CHARACTERS", 400)
    for module in (encoding, signature):
        monkeypatch.setattr(module, "HEAD_BYTES", 64)
    assert kind_of(write(name, content)) == kind


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_rows_far_apart_are_read_like_others(write, monkeypatch, name):
    monkeypatch.setattr(lines, "MAX_BLANK_CHARACTERS", 400)
    rows = read_table(write(name, '{"a": 1}' + FOR_LONG + '{"a": 2}' + FOR_LONG)).rows
    assert list(rows) == [{"a": 1}, {"a": 2}]


def test_a_damaged_archive_is_said_to_be_damaged(write):
    with pytest.raises(DataError, match="damaged Excel file or zip archive"):
        kind_of(write("a.xlsx", archive("xl/workbook.xml")[:60]))


def test_an_archive_that_unpacks_to_too_much_is_refused(write, monkeypatch):
    monkeypatch.setattr(signature, "MAX_UNPACKED", 0)
    with pytest.raises(DataError, match="unpacks to 0 MB, which is too much"):
        read_table(write("a.xlsx", archive("xl/workbook.xml")))


def test_utf16_without_its_mark_is_named_so(write):
    with pytest.raises(DataError, match="UTF-16 text without its byte-order mark"):
        kind_of(write("a.csv", "prompt,completion\n".encode("utf-16-le")))


def test_utf16_without_its_mark_is_offered_as_such(write):
    path = write("a.csv", "prompt,completion\nsome words,日本\n".encode("utf-16-le"))
    with pytest.raises(EncodingError) as caught:
        kind_of(path)
    assert caught.value.encoding == "utf-16" and caught.value.preview.startswith("prompt,completion")
    assert kind_of(path, "utf-16") == "delimited"


@pytest.mark.parametrize("name, content", [("a.arrow", b"\xff\xff\xff\xff\x10"), ("a.csv", b"ARROW1\0\0")])
def test_arrow_is_recognized_by_its_bytes(write, name, content):
    assert kind_of(write(name, content)) == "arrow"


def test_a_workbook_far_larger_than_its_file_is_refused(write, tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b" " * 20_000_000)
    with pytest.raises(DataError, match="a.xlsx unpacks to 19 MB, which is too much"):
        read_table(path)
