import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.errors import RunError
from finetune.recipe import Recipe
from finetune.runs import uploads
from finetune.runs.events import Ended

DAY_S = 86_400


@pytest.fixture
def brought(workspace, tmp_path):
    """Brings a file to the workspace and gives its path."""

    def bring(name="rows.csv", owner=None, text="a,b\n1,2\n"):
        (tmp_path / "sent").write_text(text)
        return workspace.keep(tmp_path / "sent", name, owner)

    return bring


def run_of(workspace, **data):
    return workspace.create(Recipe.from_dict({"data": {"path": "assets/samples/pirate-voice.jsonl"} | data}))


def test_what_was_brought_is_listed_with_its_size_and_the_runs_that_name_it(workspace, brought):
    first, second = brought(), brought("more.csv", text="a,b\n1,2\n3,4\n")
    os.utime(workspace.path / first, (0, time.time() - 2 * DAY_S))
    run = run_of(workspace, path=first, also=[second])
    (workspace.uploads_dir / "by-hand.csv").write_text("not brought")
    (workspace.uploads_dir / "kept").mkdir()
    (workspace.uploads_dir / "kept" / "kept-answers.jsonl").write_text("made on the page")
    more, rows = workspace.uploads()
    assert (more.path, more.name, more.size_bytes, more.runs) == (second, "more.csv", 12, (run.id,))
    assert rows.path == first and abs(time.time() - 2 * DAY_S - rows.used_at) < 60 and rows.owners == ()


@pytest.mark.parametrize("where", ["path", "also", "held_out", "replay", "mix", "absolute", "evaluation"])
def test_an_upload_that_an_unfinished_run_needs_is_not_deleted(workspace, brought, where):
    path = brought()
    value = {"also": [path], "mix": [{"path": path}], "absolute": str(workspace.path / path)}.get(where, path)
    run = run_of(workspace, **{} if where == "evaluation" else {"path" if where == "absolute" else where: value})
    if where == "evaluation":
        (run.path / "scores" / "file-rows-csv").mkdir(parents=True)
        (run.path / "scores" / "file-rows-csv" / "request.yaml").write_text(f"data: {path}")
    with pytest.raises(RunError, match=f"^Run {run.id} needs rows.csv. Delete it once"):
        workspace.discard(path)
    run.emit(Ended(state="stopped"))
    workspace.discard(path)
    assert workspace.uploads() == [] and not (workspace.path / path).parent.exists()


@pytest.mark.threat("S11", "S19")
def test_a_person_deletes_only_what_is_hers_and_another_keeps_equal_bytes(workspace, brought):
    path = brought(owner="ana")
    assert brought(owner="ben") == path and brought("other.csv", "ben") != path
    assert [each.path for each in workspace.uploads("ana")] == [path] and len(workspace.uploads("ben")) == 2
    with pytest.raises(RunError, match="There is no upload"):
        workspace.discard(path, "cem")
    workspace.discard(path, "ana")
    assert workspace.uploads("ana") == [] and workspace.find(path, trusted=False, owner="ben").is_file()
    with pytest.raises(RunError, match="no data file"):
        workspace.find(path, trusted=False, owner="ana")
    workspace.discard(path, "ben")
    assert [each.name for each in workspace.uploads()] == ["other.csv"] and not (workspace.path / path).exists()


@pytest.mark.threat("T12", "S11")
@pytest.mark.parametrize(
    "path",
    ["", ".", "uploads", "runs/001-x/recipe.yaml", "uploads/../server.json", "/etc/passwd", "uploads/kept/a.jsonl",
     "{upload}/.owners", "{upload}/.opened", "{upload}/../../private.csv", "\0", "x" * 5000],
)  # fmt: skip
def test_nothing_but_uploads_is_deleted(workspace, brought, path):
    upload = brought(owner="ana")
    (workspace.path / "private.csv").write_text("mine")
    (workspace.uploads_dir / "kept").mkdir()
    (workspace.uploads_dir / "kept" / "a.jsonl").write_text("mine")
    before = sorted(each for each in workspace.path.rglob("*"))
    with pytest.raises(RunError, match="There is no upload"):
        workspace.discard(path.format(upload=upload.rpartition("/")[0]))
    assert set(before) <= set(workspace.path.rglob("*"))


def test_reading_a_file_counts_as_use(workspace, brought):
    path = brought()
    for each in (workspace.path / path).parent.iterdir():
        os.utime(each, (0, 0))
    before = (workspace.path / path).stat()
    workspace.find(path, trusted=False)
    (found,) = workspace.uploads()
    assert time.time() - found.used_at < 60
    assert (workspace.path / path).stat().st_ctime_ns == before.st_ctime_ns, "or caches of what was read would be lost"


@pytest.mark.threat("S18")
def test_bringing_and_deleting_the_same_at_once_leaves_no_half(workspace, brought, tmp_path):
    (tmp_path / "same").write_text("a,b\n1,2\n" * 1000)

    def keep(n):
        return workspace.find(workspace.keep(tmp_path / "same", "same.csv", f"person {n}"), owner=f"person {n}")

    def discard(path):
        try:
            workspace.discard(path)
        except RunError as error:
            assert "no upload" in str(error)

    def try_to_keep(n):
        try:
            return keep(n).read_text()
        except (RunError, FileNotFoundError):  # deleted just now
            return None

    path = workspace.keep(tmp_path / "same", "same.csv")
    with ThreadPoolExecutor(8) as pool:
        kept = pool.map(try_to_keep, range(40))
        list(pool.map(discard, [path] * 40))
        assert {text for text in kept if text} <= {(tmp_path / "same").read_text()}
    found = [each for each in workspace.uploads_dir.rglob("*") if each.is_file() and not each.name.endswith(".json")]
    assert all(each.name in ("same.csv", uploads.OPENED) for each in found)
    assert keep("last").read_text() == (tmp_path / "same").read_text()
