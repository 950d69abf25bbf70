import errno
import threading

import pytest

from finetune.errors import DiskError
from finetune.runs import lines


def test_what_is_appended_is_read_in_its_order(tmp_path):
    path = tmp_path / "votes.jsonl"
    assert list(lines.read(path)) == []
    for n in range(3):
        lines.append(path, {"n": n, "text": "Ärger\nmit Zeilen \ud800"})
    assert [record["n"] for record in lines.read(path)] == [0, 1, 2]


def test_a_torn_line_is_skipped_and_the_next_one_stands_alone(tmp_path):
    path = tmp_path / "votes.jsonl"
    lines.append(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "cho')
    lines.append(path, {"n": 3})
    path.write_bytes(path.read_bytes() + b'[1]\n\x00\xff\n"x"\n')
    assert [record["n"] for record in lines.read(path)] == [1, 3]


def test_many_writers_lose_nothing(tmp_path):
    path = tmp_path / "votes.jsonl"
    threads = [
        threading.Thread(target=lambda t=t: [lines.append(path, {"by": t, "n": n}) for n in range(25)])
        for t in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = list(lines.read(path))
    assert len(found) == 200 and {(each["by"], each["n"]) for each in found} == {
        (t, n) for t in range(8) for n in range(25)
    }


def test_a_full_disk_is_said_and_leaves_no_half_line(tmp_path, monkeypatch):
    path = tmp_path / "votes.jsonl"
    lines.append(path, {"n": 1})

    def full(file, line):
        file.write(line[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lines, "_write", full)
    with pytest.raises(DiskError, match="disk is full"):
        lines.append(path, {"n": 2})
    assert path.read_bytes() == b'{"n": 1}\n'


@pytest.mark.threat("S5")
def test_a_folder_that_was_deleted_is_not_made_again(tmp_path):
    with pytest.raises(FileNotFoundError):
        lines.append(tmp_path / "gone" / "votes.jsonl", {"vote": 1})
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("durably", [True, False])
def test_lines_of_one_writer_are_appended_whole_and_only_to_a_file_that_is_there(tmp_path, durably):
    path = tmp_path / "events.jsonl"
    with pytest.raises(FileNotFoundError):
        lines.append_whole(path, b"{}\n", durably, makes=False)
    lines.append_whole(path, b'{"n": 1}\n{"n": ', durably, makes=True)
    lines.append_whole(path, b'{"n": 2}\n', durably, makes=False)
    assert path.read_bytes() == b'{"n": 1}\n{"n": \n{"n": 2}\n'
