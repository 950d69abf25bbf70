import errno
import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from finetune.errors import BusyError, DiskError, RunError
from finetune.paths import PROJECT
from finetune.recipe import Recipe
from finetune.runs import workspace as module
from finetune.runs.events import Ended, Started
from finetune.runs.workspace import Workspace, home

RECIPE = Recipe.from_dict({"name": "one", "data": {"path": "a.jsonl"}})


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home")


def test_the_environment_names_the_workspace(monkeypatch, tmp_path):
    monkeypatch.setenv("FINETUNE_HOME", str(tmp_path / "here"))
    assert Workspace().path == tmp_path / "here"
    assert (tmp_path / "here" / "runs").is_dir()


@pytest.mark.parametrize(
    ("system", "writable", "expected"),
    [
        ("spaces", True, Path("/data/finetune")),
        ("spaces", False, PROJECT / "workspace"),
        ("", True, PROJECT / "workspace"),
    ],
)
def test_by_default_it_is_the_volume_of_a_space_or_beside_the_app(monkeypatch, system, writable, expected):
    monkeypatch.delenv("FINETUNE_HOME")
    monkeypatch.setenv("SYSTEM", system)
    monkeypatch.setattr(module.os, "access", lambda path, mode: writable)
    assert home() == expected


def test_a_workspace_that_cannot_be_written_to_is_refused_with_a_hint(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="FINETUNE_HOME"):
        Workspace(tmp_path / "file" / "home")


@pytest.mark.parametrize("below", ["", "home"])
def test_a_workspace_that_is_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="a file is where the folder should be"):
        Workspace(tmp_path / "file" / below)


def test_a_writable_workspace_is_left_as_it_was(workspace):
    before = sorted(workspace.path.rglob("*"))
    workspace.require_writable()
    assert sorted(workspace.path.rglob("*")) == before


@pytest.fixture
def read_only(workspace):
    """The workspace, on a disk that is mounted read-only."""
    disk = str(workspace.path)
    if not shutil.which("mount") or subprocess.run(["mount", "--bind", disk, disk], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", disk], check=True)
    yield workspace
    subprocess.run(["umount", disk], check=True)


def test_a_read_only_disk_is_found_at_once(read_only):
    with pytest.raises(RunError, match="its disk is read-only"):
        Workspace(read_only.path).require_writable()


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EROFS, "its disk is read-only"), (errno.EACCES, "may not write there"), (errno.EIO, "Input/output error")],
)
def test_the_reason_why_nothing_can_be_written_is_reported(workspace, monkeypatch, number, words):
    def fail(**_):
        raise OSError(number, "Input/output error")

    monkeypatch.setattr(module.tempfile, "NamedTemporaryFile", fail)
    with pytest.raises(RunError, match=words):
        workspace.require_writable()


def test_a_disk_that_is_almost_full_is_reported_with_its_free_space(workspace, monkeypatch):
    usage = namedtuple("usage", "total used free")(2**40, 2**40 - 2**23, 2**23)
    monkeypatch.setattr("finetune.runs.checkpoints.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DiskError, match="too full for new runs: it needs 64 MB, and 8.0 MB are free"):
        workspace.require_writable()


def test_runs_are_listed_newest_first(workspace):
    made = [workspace.create(RECIPE) for _ in range(11)]
    (workspace.runs_dir / "half-made").mkdir()
    assert [run.id for run in workspace.runs()] == [run.id for run in reversed(made)]


def test_a_run_is_found_by_its_id_or_its_number(workspace):
    run = workspace.create(RECIPE)
    for name in (run.id, "1", "001"):
        assert workspace.run(name).path == run.path


@pytest.mark.parametrize("name", ["2", "one", "", "../001-one", "001"])
def test_a_missing_run_is_refused(workspace, name):
    with pytest.raises(RunError, match="There is no run"):
        workspace.run(name)


def test_a_deleted_run_is_gone_at_once_and_its_number_is_not_used_again(workspace):
    kept, run = workspace.create(RECIPE), workspace.create(RECIPE)
    kept.emit(Ended(state="done"))
    run.emit(Ended(state="failed"))
    workspace.delete(run)
    assert [each.id for each in workspace.runs()] == [kept.id]
    assert (workspace.runs_dir / f".trash-{run.id}" / "recipe.yaml").is_file()
    workspace.prune()
    assert not list(workspace.runs_dir.glob(".trash-*")) and kept.path.is_dir()
    assert workspace.create(RECIPE).number == 3
    with pytest.raises(RunError, match="There is no run"):
        workspace.delete(run)


def test_a_run_that_has_not_ended_is_not_deleted(workspace):
    run = workspace.create(RECIPE)
    with pytest.raises(RunError, match="has not ended"):
        workspace.delete(run)
    run.emit(Started(device="CPU"))
    with run.held(), pytest.raises(RunError, match="has not ended"):
        workspace.delete(run)
    run.emit(Ended(state="paused"))
    with run.held(), pytest.raises(BusyError):
        workspace.delete(run)
    run.emit(Started(device="CPU"))
    workspace.delete(run)  # nobody holds its lock: it was interrupted
    assert workspace.runs() == []


@pytest.mark.parametrize("named", ["001-one", "1"])
def test_a_run_that_another_one_starts_from_is_not_deleted(workspace, named):
    run = workspace.create(RECIPE)
    run.emit(Ended(state="done"))
    other = workspace.create(RECIPE.changed(**{"model.run": named}))
    with pytest.raises(RunError, match="002-one starts from run 001-one"):
        workspace.delete(run)
    other.emit(Ended(state="stopped"))
    workspace.delete(run)
    assert workspace.runs()[0].id == other.id


@pytest.fixture
def files(workspace, tmp_path):
    """The workspace with an upload, and files outside that no visitor may read."""
    (workspace.uploads_dir / "mine.csv").write_text("a,b")
    (workspace.path / "private.csv").write_text("a,b")
    (tmp_path / "outside.csv").write_text("a,b")
    (workspace.uploads_dir / "link.csv").symlink_to(tmp_path / "outside.csv")
    return workspace


def test_a_file_is_found_in_the_workspace_the_project_and_as_written(files, tmp_path):
    assert files.find("uploads/mine.csv") == files.uploads_dir / "mine.csv"
    assert files.find("requirements.txt") == PROJECT / "requirements.txt"
    assert files.find(str(tmp_path / "outside.csv")) == tmp_path / "outside.csv"


def test_a_visitor_finds_uploads_and_samples(files, tmp_path, monkeypatch):
    assert files.find("uploads/mine.csv", trusted=False) == files.uploads_dir / "mine.csv"
    assert files.find(str(files.uploads_dir / "mine.csv"), trusted=False) == files.uploads_dir / "mine.csv"
    monkeypatch.setattr(module, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    sample = tmp_path / "assets" / "samples" / "pirate.jsonl"
    sample.parent.mkdir(parents=True)
    sample.write_text("{}")
    assert files.find("assets/samples/pirate.jsonl", trusted=False) == sample


@pytest.mark.threat("T18")
@pytest.mark.parametrize(
    "path",
    [
        "private.csv",
        "uploads/../private.csv",
        "uploads/../../outside.csv",
        "uploads/link.csv",
        "requirements.txt",
        "/etc/passwd",
        "assets/samples/../../requirements.txt",
        "~/.bashrc",
    ],
)
def test_a_visitor_finds_nothing_else(files, path):
    with pytest.raises(RunError, match="There is no data file"):
        files.find(path, trusted=False)


@pytest.mark.parametrize(
    "path",
    ["", ".", "uploads", "missing.csv", "a\0b", pytest.param("x" * 5000, id="long"), "~nobody-of-this-name/a.csv"],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_path_that_is_no_file_is_not_found(files, path, trusted):
    with pytest.raises(RunError, match="There is no data file"):
        files.find(path, trusted)


@pytest.mark.threat("T12")
@pytest.mark.parametrize(
    "name, kept",
    [
        ("Team FAQ (März), final.csv", "Team FAQ (März), final.csv"),
        ("日本語.jsonl", "日本語.jsonl"),
        ("Ma\u0308rz.csv", "März.csv"),
        ("../../up.csv", "up.csv"),
        ('a\\b:c*d?"e<f>g|h\nk\u202el\0.csv', "a_b_c_d__e_f_g_h_k_l_.csv"),
        ("half \udcff.csv", "half _.csv"),
        (f"a.{'b' * 300}", f"a.{'b' * 49}"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (f"{'ä' * 300}.csv", f"{'ä' * 100}.csv"),
    ],
)
def test_an_uploaded_file_keeps_its_name(files, tmp_path, name, kept):
    (tmp_path / "sent").write_text("a,b\n1,2\n")
    path = files.keep(tmp_path / "sent", name)
    assert path.startswith("uploads/") and path.count("/") == 2 and path.endswith(f"/{kept}")
    assert files.find(path, trusted=False).read_text() == "a,b\n1,2\n"


def test_files_of_one_name_do_not_collide(files, tmp_path):
    texts = ("a,b\n1,2\n", "a,b\n3,4\n")
    kept = []
    for text in (*texts, texts[0]):
        (tmp_path / "sent").write_text(text)
        kept.append(files.keep(tmp_path / "sent", "a.csv"))
    assert kept[0] == kept[2] != kept[1]
    assert [files.find(path).read_text() for path in kept[:2]] == list(texts)


def test_a_file_that_is_copied_in_part_is_absent(files, tmp_path, monkeypatch):
    (tmp_path / "sent").write_text("a,b\n1,2\n")

    def interrupted(source, target):
        target.write_text("a,b")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", interrupted)
        with pytest.raises(RunError, match="its disk is full"):
            files.keep(tmp_path / "sent", "a.csv")
    assert {path.name for path in files.uploads_dir.rglob("*")} == {"mine.csv", "link.csv"}
    assert files.find(files.keep(tmp_path / "sent", "a.csv")).read_text() == "a,b\n1,2\n"


def test_an_unfinished_copy_is_pruned_after_a_day(files):
    old, new = files.uploads_dir / ".old", files.uploads_dir / ".new"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(files.uploads_dir / "mine.csv", (0, 0))
    files.prune()
    assert not old.exists() and new.exists() and files.find("uploads/mine.csv")


@pytest.mark.threat("S19")
def test_a_person_finds_only_what_she_brought(workspace, tmp_path):
    (tmp_path / "sent").write_text("a,b\n1,2\n")
    path = workspace.keep(tmp_path / "sent", "a.csv", "ana")
    assert workspace.find(path, trusted=False, owner="ana") == workspace.path / path
    for written in (path, str(workspace.path / path), f"uploads/../{path}"):
        assert workspace.owns(written, "ana") and not workspace.owns(written, "ben")
        for trusted in (True, False):
            with pytest.raises(RunError, match="There is no data file"):
                workspace.find(written, trusted, owner="ben")
    assert workspace.keep(tmp_path / "sent", "a.csv", "ben") == path
    assert workspace.find(path, trusted=False, owner="ben") == workspace.find(path, trusted=False, owner="ana")
    assert workspace.find(path) == workspace.path / path, "a run that has begun is no person"


@pytest.mark.threat("S19")
def test_samples_are_everybodys_and_what_nobody_brought_is_nobodys(files):
    assert files.find("assets/samples/pirate-voice.jsonl", trusted=False, owner="ana").is_file()
    with pytest.raises(RunError, match="There is no data file"):
        files.find("uploads/mine.csv", trusted=False, owner="ana")


@pytest.mark.threat("S19")
def test_who_brought_a_file_is_no_data(workspace, tmp_path):
    (tmp_path / "sent").write_text("a,b\n1,2\n")
    path = workspace.keep(tmp_path / "sent", ".hidden.csv", "ana")
    assert workspace.find(path, trusted=False).is_file()
    note = next((workspace.path / path).parent.glob(".owners/*.json")).relative_to(workspace.path)
    with pytest.raises(RunError, match="There is no data file"):
        workspace.find(str(note), trusted=False)


def test_a_run_knows_who_asked_for_it(workspace):
    hers, anyones = workspace.create(RECIPE, "ana"), workspace.create(RECIPE)
    assert (hers.owner, anyones.owner) == ("ana", None)
    assert [run.owner for run in workspace.runs()] == [None, "ana"]
    (hers.path / "owner.json").write_text("{")
    assert workspace.run(hers.id).owner == "", "what is damaged is not everybody's"
