import pytest

from finetune.data.readers.paragraphs import Paragraphs
from finetune.data.table import Reading
from finetune.errors import DataError


def write(tmp_path, content):
    path = tmp_path / "story.txt"
    path.write_bytes(content)
    return path


def test_paragraphs_are_rows_with_their_line(tmp_path):
    table = Paragraphs().read(write(tmp_path, "\ufeffOne\ntwo\n\n \n  Three\r\nfour".encode()))
    assert [row["text"] for row in table.rows] == ["One\ntwo", "  Three\nfour"]
    assert table.lines == [1, 5]
    assert table.columns == ("text",)


def test_blank_text_has_no_rows(tmp_path):
    assert Paragraphs().read(write(tmp_path, b"\n \n")).rows == []


def test_a_nul_is_named_by_its_line(tmp_path):
    with pytest.raises(DataError, match="Line 2 contains a NUL"):
        Paragraphs().read(write(tmp_path, b"a\nb\0c"))


def test_the_whole_text_is_one_row_if_wanted(tmp_path):
    table = Paragraphs().read(write(tmp_path, b"# One\r\n\r\ntwo\n"), Reading(whole_text=True))
    assert table.rows == [{"text": "# One\n\ntwo"}] and table.lines == [1]
    assert Paragraphs().read(write(tmp_path, b"\n \n"), Reading(whole_text=True)).rows == []


def test_a_paragraph_that_is_too_long_is_rejected_and_the_next_is_read(tmp_path):
    table = Paragraphs().read(write(tmp_path, b"word\n" * 300_000 + b"\nshort\n\n" + b"x" * 1_000_100))
    assert table.rows == [{"text": "short"}]
    assert [(row.row, row.line, row.reason) for row in table.rejected] == [
        (1, 1, "It is longer than 1,000,000 characters."),
        (3, 300_004, "It is longer than 1,000,000 characters."),
    ]
