import re

import pytest

from finetune.recipe import Recipe
from finetune.runs.events import Ended
from finetune.ui.data import uploads


def test_files_are_listed_with_what_names_them_and_deleted_after_a_question(desk, tmp_path):
    assert "No file is kept yet" in uploads.html(desk)
    (tmp_path / "x").write_text("a,b\n1,2\n")
    path = desk.add_upload(tmp_path / "x", "<b>rows</b>.csv").path
    html = uploads.html(desk)
    assert "8 bytes, used today, in no run" in html and "<b>rows" not in html
    (pick,) = re.findall("data-pick='(.*?)'", html)
    asked = uploads.act(desk, pick)
    assert "Delete for good" in asked and "Delete for good" not in uploads.act(desk, "keep:")
    run = desk.workspace.create(Recipe.from_dict({"data": {"path": path}}))
    refused = uploads.act(desk, f"delete:{path}")
    assert f"Run {run.id} needs" in refused and "in run 1" in refused and desk.workspace.uploads()
    run.emit(Ended(state="stopped"))
    assert "No file is kept yet" in uploads.act(desk, f"delete:{path}") and desk.workspace.uploads() == []


@pytest.mark.threat("S19")
def test_a_person_sees_and_deletes_only_her_own(desk, tmp_path):
    (tmp_path / "x").write_text("a,b\n1,2\n")
    path = desk.of("ana").add_upload(tmp_path / "x", "hers.csv").path
    assert "hers.csv" in uploads.html(desk.of("ana")) and "hers.csv" not in uploads.html(desk.of("ben"))
    assert "There is no upload" in uploads.act(desk.of("ben"), f"delete:{path}")
    assert desk.workspace.uploads("ana")


@pytest.mark.threat("T35")
@pytest.mark.parametrize("pick", ["", "delete:", "delete:../../etc/passwd", "x:y", None, "delete:runs"])
def test_a_pick_that_no_button_has_changes_nothing(desk, pick):
    before = set(desk.workspace.path.rglob("*"))
    assert "No file is kept yet" in uploads.act(desk, pick) and before <= set(desk.workspace.path.rglob("*"))
