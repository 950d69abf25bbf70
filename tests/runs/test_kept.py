import errno
import json
import os
import threading

import pytest

from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.errors import DataError, DiskError, RunError
from finetune.runs import kept
from finetune.runs.kept import ANSWERS, CORRECTIONS

ASKED = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "What colour is the sea?"},
]
HOSTILE = (
    "<script>alert(1)</script>",
    "two\nlines\r\nand \u2028 or \x85",
    "=cmd|' /C calc'!A0",
    "\u202ethgir ot tfel مرحبا",
    "![picture](http://example.com/x.png)",
    r"a literal \u0000 and \ud800",
    '{"messages": []}',
    "<|im_end|>",
    "  spaces around  \n",
    "🏴‍☠️",
)


def rows(workspace, collection):
    path = workspace.find(f"uploads/kept/{collection.file}", trusted=False)
    return read(path, DataSettings(path=str(path))).examples


def test_a_kept_answer_is_a_conversation_of_which_only_that_answer_is_trained_on(workspace):
    assert kept.count(workspace, ANSWERS) == 0
    assert kept.keep(workspace, ASKED, "Blue.") == 1 == kept.count(workspace, ANSWERS)
    (example,) = rows(workspace, ANSWERS)
    assert [turn["content"] for turn in example["messages"]] == [
        *("Be brief.", "Hi", "Hello.", "What colour is the sea?", "Blue.")
    ]
    assert [turn.get("weight") for turn in example["messages"]] == [None, None, 0, None, None]


def test_a_correction_is_a_preference_pair(workspace):
    assert kept.correct(workspace, ASKED, "Red.", "Blue.") == 1
    (example,) = rows(workspace, CORRECTIONS)
    assert example["prompt"] == ASKED
    assert (example["chosen"][0]["content"], example["rejected"][0]["content"]) == ("Blue.", "Red.")


@pytest.mark.parametrize("collection", [ANSWERS, CORRECTIONS], ids=lambda each: each.key)
def test_the_command_line_reads_every_row(command, with_tiny, collection):
    for answer in HOSTILE:
        kept.keep(with_tiny, [*ASKED[:-1], {"role": "user", "content": f"About {answer}"}], answer)
        kept.correct(with_tiny, ASKED, answer, f"Better: {answer}")
    code, out, _ = command("check", collection.path(with_tiny), "--json", "--model", "tiny")
    report = json.loads(out)
    assert code == 0 and report["kept"] == report["rows"] == len(HOSTILE) and report["rejected"] == []


def test_hostile_text_comes_back_as_it_was(workspace):
    for answer in HOSTILE:
        kept.keep(workspace, ASKED, answer)
        kept.correct(workspace, [{"role": "user", "content": answer}], answer, f"{answer} better")
    assert tuple(each["messages"][-1]["content"] for each in rows(workspace, ANSWERS)) == HOSTILE
    pairs = rows(workspace, CORRECTIONS)
    assert tuple(each["prompt"][-1]["content"] for each in pairs) == HOSTILE
    assert tuple(each["rejected"][-1]["content"] for each in pairs) == HOSTILE


def test_what_no_data_file_can_have_is_replaced(workspace):
    kept.keep(workspace, ASKED, "a\0b\ud800c")
    assert rows(workspace, ANSWERS)[0]["messages"][-1]["content"] == "a\ufffdb\ufffdc"


def test_a_line_that_a_crash_tore_is_removed(workspace):
    kept.keep(workspace, ASKED, "Blue.")
    path = ANSWERS.path(workspace)
    with open(path, "ab") as file:
        file.write(b'{"messages": [{"role": "us')
    assert kept.count(workspace, ANSWERS) == 1
    assert kept.keep(workspace, ASKED, "Green.") == 2
    assert [each["messages"][-1]["content"] for each in rows(workspace, ANSWERS)] == ["Blue.", "Green."]


def test_the_same_row_is_kept_once(workspace):
    assert [kept.keep(workspace, ASKED, "Blue.") for _ in range(2)] == [1, 1]


def test_two_visitors_lose_no_row(workspace):
    def visitor(name):
        for n in range(20):
            kept.keep(workspace, ASKED, f"{name} {n}")

    threads = [threading.Thread(target=visitor, args=(name,)) for name in ("one", "other")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert kept.count(workspace, ANSWERS) == 40 == len(rows(workspace, ANSWERS))


def test_nothing_is_kept_of_an_empty_or_an_unchanged_answer(workspace):
    with pytest.raises(DataError, match="empty"):
        kept.keep(workspace, ASKED, " \n")
    with pytest.raises(DataError, match="empty"):
        kept.correct(workspace, ASKED, "Blue.", "")
    with pytest.raises(DataError, match="same as before"):
        kept.correct(workspace, ASKED, "Blue.", "Blue. ")
    assert kept.count(workspace, CORRECTIONS) == 0


@pytest.mark.parametrize("number, kind", [(errno.ENOSPC, DiskError), (errno.EROFS, RunError)])
def test_a_row_that_cannot_be_written_leaves_the_file_as_it_was(workspace, monkeypatch, number, kind):
    kept.keep(workspace, ASKED, "Blue.")

    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(kept.os, "fsync", fail)
    with pytest.raises(kind, match="not kept"):
        kept.keep(workspace, ASKED, "Green.")
    monkeypatch.undo()
    assert len(rows(workspace, ANSWERS)) == 1
