import json

from finetune.runs.links import link, linked
from finetune.runs.workspace import Workspace


def test_a_link_opens_one_view_of_one_run(write_run):
    run, other = write_run(), write_run()
    workspace = Workspace(run.path.parent.parent)
    secret = link(run, "report")
    assert link(run, "report") == secret and link(other, "report") != secret and link(run, "vote") != secret
    assert linked(workspace, "report", secret).id == run.id
    assert linked(workspace, "vote", secret) is None
    assert len(secret) >= 20


def test_nothing_opens_without_a_secret(write_run):
    run = write_run()
    workspace = Workspace(run.path.parent.parent)
    assert linked(workspace, "report", "") is None and linked(workspace, "report", "\ud800é") is None
    (run.path / "links.json").write_text(json.dumps({"report": ""}))
    assert linked(workspace, "report", "") is None


def test_a_link_ends_when_its_file_is_deleted(write_run):
    run = write_run()
    workspace = Workspace(run.path.parent.parent)
    secret = link(run, "report")
    (run.path / "links.json").unlink()
    assert linked(workspace, "report", secret) is None and link(run, "report") != secret
