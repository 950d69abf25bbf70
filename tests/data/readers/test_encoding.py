import pytest

from finetune.data.readers.encoding import EncodingError, encoding_of, lines_of
from finetune.data.table import Table
from finetune.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    "written, name", [("utf-8", "utf-8-sig"), *((name, name) for name in ("utf-8-sig", "utf-16", "utf-32"))]
)
def test_the_encoding_is_detected_from_the_mark(write, written, name):
    assert encoding_of(write("a.csv", "naïve,日本".encode(written))) == name


@pytest.mark.parametrize("before", [0, 3, 2**20 - 1, 2**20, 2**20 + 5])
def test_the_first_byte_that_is_not_utf8_is_named(write, before):
    content = b"a\n" + b"x" * before + b"caf\xe9, and more"
    with pytest.raises(DataError, match=f"Byte {2 + before + 3:,} of a.csv, in line 2, is not UTF-8"):
        encoding_of(write("a.csv", content))


def test_a_character_across_two_chunks_is_whole(write):
    assert encoding_of(write("a.csv", b"x" * (2**20 - 1) + "é".encode())) == "utf-8-sig"
    with pytest.raises(DataError, match=f"Byte {2**20 - 1:,} "):
        encoding_of(write("a.csv", b"x" * (2**20 - 1) + b"\xc3"))


def test_half_a_character_at_the_end_of_utf16_is_named(write):
    with pytest.raises(DataError, match="is not UTF-16 text"):
        encoding_of(write("a.csv", "ab".encode("utf-16") + b"\x00"))


@pytest.mark.parametrize(
    "content, encoding, preview",
    [
        ("q,a\n1,café “oui”\n".encode("cp1252"), "cp1252", "1,café “oui”"),
        ("q,a\n1,caf\xe9 \x81\n".encode("latin-1"), "latin-1", "1,café \x81"),
        (b"a\n" + b"x" * 1000 + b"\ncaf\xe9 noir", "cp1252", "café noir"),
    ],
)
def test_another_encoding_is_offered_with_how_it_reads(write, content, encoding, preview):
    with pytest.raises(EncodingError) as caught:
        encoding_of(write("a.csv", content))
    assert caught.value.encoding == encoding
    assert preview in caught.value.preview and len(caught.value.preview) <= 300
    assert encoding_of(write("a.csv", content), encoding) == encoding


def test_a_file_of_two_encodings_is_called_so(write):
    with pytest.raises(DataError, match="the file mixes encodings") as caught:
        encoding_of(write("a.csv", "a\ncafé\n".encode() + "thé\n".encode("latin-1")))
    assert not isinstance(caught.value, EncodingError)


def test_a_byte_order_mark_overrides_the_setting(write):
    assert encoding_of(write("a.csv", "\ufeffä".encode()), "latin-1") == "utf-8-sig"
    assert encoding_of(write("a.csv", "ä".encode("utf-16")), "cp1252") == "utf-16"


def test_lines_are_truncated_where_no_row_can_be_longer(write):
    path = write("a.txt", "ab\r\nabcdefghij\rk\n\nl")
    found = list(lines_of(path, Table("text"), 4))
    assert found == [(1, "ab\r\n", 4), (2, "abcd", 11), (3, "k\n", 2), (4, "\n", 1), (5, "l", 1)]
