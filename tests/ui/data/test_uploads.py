import re

import pytest

from finetune.recipe import Recipe
from finetune.runs.events import Ended
from finetune.ui import visitor
from finetune.ui.data import uploads
from finetune.ui.studio import Studio
from tests.ui.test_rights import ADA, BEN, GUEST, OLGA, WANDA


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


@pytest.mark.threat("S19", "T35")
def test_a_person_sees_and_deletes_only_her_own(workspace, tmp_path, monkeypatch):
    def as_(who):
        monkeypatch.setattr(visitor, "current", lambda: who)

    desk = Studio(workspace, must_sign_in=True).data
    (tmp_path / "x").write_text("a,b\n1,2\n")
    as_(ADA)
    path = desk.add_upload(tmp_path / "x", "hers.csv").path
    assert "hers.csv" in uploads.html(desk)
    for other in (BEN, WANDA, GUEST, None):
        as_(other)
        assert "hers.csv" not in uploads.html(desk)
        assert "not train" in (told := uploads.act(desk, f"delete:{path}")) or "There is no upload" in told
    as_(BEN)
    desk.add_upload(tmp_path / "x", "his.csv")
    run = workspace.create(Recipe.from_dict({"data": {"path": path}}), "olga")
    as_(ADA)
    assert "A run of someone else needs hers.csv" in uploads.act(desk, f"delete:{path}")
    run.emit(Ended(state="stopped"))
    as_(OLGA)
    assert ", of ada" in uploads.html(desk) and ", of ben" in uploads.html(desk)
    assert "hers.csv" not in uploads.act(desk, f"delete:{path}")
    assert [each.name for each in workspace.uploads()] == ["his.csv"]


@pytest.mark.threat("T35")
@pytest.mark.parametrize("pick", ["", "delete:", "delete:../../etc/passwd", "x:y", "delete:runs"])
def test_a_pick_that_no_button_has_changes_nothing(desk, pick):
    before = set(desk.workspace.path.rglob("*"))
    assert "No file is kept yet" in uploads.act(desk, pick) and before <= set(desk.workspace.path.rglob("*"))
