import json

import pytest

from finetune.data.formats.turns import exchange
from finetune.data.loading import held_out_path, read, read_split
from finetune.data.settings import DataSettings
from finetune.errors import DataError

UPLOADS = ("0123456789abcdef", "fedcba9876543210")


def test_csv_rows_are_numbered_below_their_header(tmp_path):
    (tmp_path / "a.csv").write_text('prompt;completion\n"q\nr";a\nq;\n', encoding="utf-8")
    data = read(tmp_path / "a.csv", DataSettings(path="a.csv"))
    assert data.examples == [exchange("q\nr", "a")]
    assert [(bad.row, bad.line) for bad in data.rejected] == [(2, 4)]
    assert data.notes == ["The columns are separated by semicolons."]


def test_held_out_rows_are_found_beside_the_data_or_by_name(tmp_path):
    data, settings = tmp_path / "pirate.v2.jsonl", DataSettings(path="pirate.v2.jsonl")
    assert held_out_path(data, settings) is None
    beside = tmp_path / "pirate.v2.held-out.jsonl"
    beside.touch()
    assert held_out_path(data, settings) == beside
    other = tmp_path / "check.csv"
    other.touch()
    assert held_out_path(data, DataSettings(path="x", held_out="uploads/check.csv")) == other


def test_beside_a_file_of_the_longest_name_there_is_none(tmp_path):
    assert held_out_path(tmp_path / f"{'x' * 249}.jsonl", DataSettings(path="x")) is None


@pytest.mark.parametrize(
    "name",
    ["none.csv", ".", "..", "/", "a\0b", "/etc/hostname", "../secret.csv", pytest.param("x" * 1000, id="long")],
)
def test_only_files_beside_the_data_can_be_named(tmp_path, name):
    (tmp_path / "secret.csv").touch()
    (tmp_path / "uploads").mkdir()
    with pytest.raises(DataError, match="There is no file"):
        held_out_path(tmp_path / "uploads" / "a.csv", DataSettings(path="a.csv", held_out=name))


def test_an_upload_may_name_another_one(tmp_path):
    for name in (*UPLOADS, "other"):
        (tmp_path / "uploads" / name).mkdir(parents=True)
        (tmp_path / "uploads" / name / "check.csv").touch()
    (tmp_path / "check.csv").touch()
    data = tmp_path / "uploads" / UPLOADS[0] / "a.csv"
    for name, found in (
        (f"uploads/{UPLOADS[1]}/check.csv", UPLOADS[1]),
        ("uploads/other/check.csv", UPLOADS[0]),
        ("../../check.csv", UPLOADS[0]),
    ):
        named = held_out_path(data, DataSettings(path="a.csv", held_out=name))
        assert named == tmp_path / "uploads" / found / "check.csv"
    with pytest.raises(DataError, match="There is no file"):
        held_out_path(tmp_path / "a.csv", DataSettings(path="a.csv", held_out=f"uploads/{UPLOADS[1]}/b.csv"))


def test_the_held_out_file_is_read_without_the_fixes_of_rows(tmp_path):
    rows = [{"prompt": f"q{n}", "completion": "a"} for n in range(12)]
    for name, part in (("a.jsonl", rows), ("a.held-out.jsonl", [{"prompt": "x", "completion": "y"}])):
        (tmp_path / name).write_text("\n".join(map(json.dumps, part)), encoding="utf-8")
    chosen = DataSettings(path="a.jsonl", fixes=({"type": "drop", "rows": "1-2"},))
    data, train, held_out = read_split(tmp_path / "a.jsonl", chosen, 7)
    assert len(train) == 10 and held_out == [exchange("x", "y")]
    assert [bad.row for bad in data.rejected] == [1, 2]
    assert data.notes[-1].startswith("Only 1 row is held out")


def test_fixes_of_rows_apply_before_detection_and_those_of_examples_after(make):
    rows = [{"prompt": "q", "completion": ""}, {"prompt": "q", "completion": "a"}, {"prompt": "x", "completion": "y"}]
    fixes = (
        {"type": "correct", "row": 1, "values": {"completion": "a"}},
        {"type": "drop", "rows": "3"},
        {"type": "add", "values": {"prompt": "new", "completion": "row"}},
        {"type": "deduplicate"},
    )
    data = make(rows, fixes=fixes)
    assert data.examples == [exchange("q", "a"), exchange("new", "row")] and list(data.rows) == [1, 4]
    assert [(bad.row, bad.line, bad.reason) for bad in data.rejected] == [
        (2, 2, "It is a duplicate of an earlier row."),
        (3, 3, "You left it out."),
    ]
    assert data.total_rows == 4


def test_several_files_are_read_as_one_and_a_bad_row_names_its_file(tmp_path):
    for name, answers in (("a.jsonl", "xy"), ("b.jsonl", ["z", ""])):
        rows = [json.dumps({"prompt": "q", "completion": answer}) for answer in answers]
        (tmp_path / name).write_text("\n".join(rows), encoding="utf-8")
    data = read(tmp_path / "a.jsonl", DataSettings(path="a.jsonl"), [tmp_path / "b.jsonl"])
    assert list(data.rows) == [1, 2, 3]
    assert [bad.where for bad in data.rejected] == ["row 4 (of b.jsonl, line 2)"]
