import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow
import pytest

from finetune.data.readers.archive import ChoiceError
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.errors import DataError

CONTENT = "".join(f'{{"q": "Sea {number}?"}}\n' for number in range(300)).encode()


def zipped(**files):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def tarred(**files):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def zstd_of(folder, content):
    path = folder / "made.zst"
    with pyarrow.output_stream(str(path), compression="zstd") as stream:
        stream.write(content)
    return path.read_bytes()


@pytest.fixture
def read(tmp_path):
    def read(content, name="rows.jsonl.gz", sheet=None):
        path = tmp_path / name
        path.write_bytes(content)
        return read_table(path, DataSettings(path=name, sheet=sheet))

    return read


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda content: zipped(**{"rows.jsonl": content}),
    "tar": lambda content: tarred(**{"rows.jsonl": content}),
    "tar.gz": lambda content: gzip.compress(tarred(**{"rows.jsonl": content})),
    "two in one gz": lambda content: gzip.compress(content[:2000]) + gzip.compress(content[2000:]),
}


@pytest.mark.parametrize("way", PACKERS)
@pytest.mark.parametrize("name", ["rows.jsonl.packed", "rows.csv", "rows"])
def test_the_only_file_is_read_whatever_the_name(read, way, name):
    table = read(PACKERS[way](CONTENT), name)
    assert len(table.rows) == 300 and table.rows[7] == {"q": "Sea 7?"}


def test_zstd_is_read(read, tmp_path):
    packed = zstd_of(tmp_path, CONTENT)
    assert len(read(packed, "rows.jsonl.zst").rows) == 300
    with pytest.raises(DataError, match="damaged archive"):
        read(packed[:-20], "rows.jsonl.zst")


def test_of_several_files_one_is_chosen(read):
    packed = zipped(**{"data/a.jsonl": CONTENT, "b.csv": "q\nx\n", "README.md": "Hi", "__MACOSX/c.jsonl": "x"})
    with pytest.raises(ChoiceError, match=r"Choose one of them \(data.sheet\): data/a.jsonl, b.csv\.") as error:
        read(packed, "rows.zip")
    assert error.value.choices == ("data/a.jsonl", "b.csv")
    assert len(read(packed, "rows.zip", "a.jsonl").rows) == 300
    table = read(packed, "rows.zip", "b.csv")
    assert table.rows == [{"q": "x"}] and table.sheets == ("data/a.jsonl", "b.csv", "README.md")
    assert "Only the file b.csv is read; the archive also has: data/a.jsonl, README.md." in table.notes
    with pytest.raises(ChoiceError, match='There is no file "c.csv"'):
        read(packed, "rows.zip", "c.csv")


def test_a_description_beside_the_data_is_no_choice(read):
    assert len(read(zipped(**{"rows.jsonl": CONTENT, "LICENSE.txt": "MIT", "notes.md": "Hi"})).rows) == 300


@pytest.mark.threat("T10")
@pytest.mark.parametrize(
    "content, message",
    [
        (gzip.compress(CONTENT)[:-20], "damaged archive"),
        (gzip.compress(CONTENT)[:40], "damaged archive"),
        (b"\x1f\x8b" + bytes(50), "damaged archive|binary file"),
        (bz2.compress(CONTENT)[:-20], "damaged archive"),
        (b"\xfd7zXZ\x00" + bytes(90), "damaged archive"),
        (tarred(a=CONTENT)[:1000], "damaged archive|no file|several"),
        (zipped(**{"rows.jsonl": CONTENT})[:-30], "damaged"),
        (zipped(), "no file in|binary file"),
        (gzip.compress(gzip.compress(gzip.compress(CONTENT))), "gzip archive"),
        (gzip.compress(bytes(80_000_000)), "unpacks to more than 32 MB"),
        (zipped(**{"rows.jsonl": bytes(80_000_000)}), "NUL|binary|unpacks"),
    ],
    ids=range(11),
)
def test_what_is_damaged_or_too_large_is_refused_in_words(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


@pytest.mark.threat("T12")
def test_a_name_that_points_elsewhere_stays_in_its_folder(read, tmp_path):
    assert len(read(zipped(**{"../../evil.jsonl": CONTENT})).rows) == 300
    assert not (tmp_path.parent / "evil.jsonl").exists() and not (tmp_path.parent.parent / "evil.jsonl").exists()
