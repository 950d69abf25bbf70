import pytest

from finetune.data.paragraphs import read_paragraphs
from finetune.errors import DataError


def write(tmp_path, content):
    path = tmp_path / "story.txt"
    path.write_bytes(content)
    return path


def test_paragraphs_are_rows_with_their_line(tmp_path):
    table = read_paragraphs(write(tmp_path, "\ufeffOne\ntwo\n\n \n  Three\r\nfour".encode()))
    assert [row["text"] for row in table.rows] == ["One\ntwo", "  Three\nfour"]
    assert table.lines == [1, 5]
    assert table.columns == ("text",)


def test_blank_text_has_no_rows(tmp_path):
    assert read_paragraphs(write(tmp_path, b"\n \n")).rows == []


def test_a_nul_is_named_by_its_line(tmp_path):
    with pytest.raises(DataError, match="Line 2 holds a NUL"):
        read_paragraphs(write(tmp_path, b"a\nb\0c"))
