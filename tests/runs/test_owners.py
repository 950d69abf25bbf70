from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.runs import owners

NAMES = ["ana", "Ben Ö", "../../x", "a\0b", "", "half \ud800", "x" * 5000]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_an_owner_of_any_name_is_noted_beside_the_file(tmp_path, name):
    file = tmp_path / "uploads" / "a.csv"
    owners.add(file, name)
    assert owners.owns(file, name) and owners.owners(file) == [name]
    assert not owners.owns(file, f"{name}x") and not owners.owns(file.with_name("b.csv"), name)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == list((tmp_path / "uploads/.owners").iterdir())
    owners.drop(file, name)
    assert not owners.owns(file, name) and owners.owners(file) == []


@pytest.mark.threat("S19")
def test_people_who_bring_equal_bytes_at_once_all_own_them(tmp_path):
    file, people = tmp_path / "a.csv", [f"person {n:02d}" for n in range(30)]
    with ThreadPoolExecutor(15) as pool:
        list(pool.map(lambda name: owners.add(file, name), people * 2))
    assert owners.owners(file) == people


def test_a_note_names_an_owner_and_a_damaged_one_names_nobody(tmp_path):
    note = tmp_path / "owner.json"
    assert owners.read(note) is None
    owners.write(note, {"name": "ana"})
    assert owners.read(note) == "ana"
    for damaged in ("", "[1]", "{}", "\xff{"):
        note.write_text(damaged, encoding="latin-1")
        assert owners.read(note) == ""
