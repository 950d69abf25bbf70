"""Model folders with links that lead out of them, and with things that are no files."""

import os

import pytest

from finetune.errors import ModelError
from finetune.models.download import obtain
from finetune.models.inside import require_inside
from finetune.models.locate import locate
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo


@pytest.fixture
def folder(workspace, files):
    made = workspace.models_dir / "mine"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return made


LINKS = {
    "a secret as its tokenizer": ("tokenizer_config.json", "/etc/passwd"),
    "weights of another model": ("model.safetensors", "../other/model.safetensors"),
    "a file of a run": ("chat_template.jinja", "../../runs/x"),
    "a folder": ("additional_chat_templates", "/etc"),
    "nothing": ("vocab.json", "/nowhere/at/all"),
    "itself": ("merges.txt", "merges.txt"),
}


@pytest.mark.threat("S8", "T18", "T28")
@pytest.mark.parametrize("name, target", LINKS.values(), ids=LINKS)
def test_a_link_out_of_the_folder_is_refused(workspace, folder, files, name, target):
    (workspace.models_dir / "other").mkdir()
    (workspace.models_dir / "other" / "model.safetensors").write_bytes(files["model.safetensors"])
    (workspace.runs_dir / "x").write_text("secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    with pytest.raises(ModelError, match="is a link"):
        locate(ModelSettings(id="mine"), workspace)


@pytest.mark.threat("S8")
def test_a_link_deep_in_the_folder_is_refused(workspace, folder):
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "x.jinja").symlink_to("/etc/hostname")
    with pytest.raises(ModelError, match="link out of its folder"):
        locate(ModelSettings(id="mine"), workspace)


@pytest.mark.threat("S8")
def test_a_pipe_is_refused_and_not_waited_for(workspace, folder):
    (folder / "generation_config.json").unlink(missing_ok=True)
    os.mkfifo(folder / "generation_config.json")
    with pytest.raises(ModelError, match="is no file"):
        locate(ModelSettings(id="mine"), workspace)


def test_links_within_the_folder_and_to_the_folder_are_followed(workspace, folder, files, tmp_path):
    (folder / "weights").mkdir()
    (folder / "model.safetensors").rename(folder / "weights" / "w")
    (folder / "model.safetensors").symlink_to("weights/w")
    moved = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(moved)
    assert locate(ModelSettings(id="mine"), workspace) == folder


def test_a_version_in_the_cache_of_the_hub_may_be_linked_into_the_workspace(serve, files, workspace):
    with serve(Repo(files)):
        version = obtain(ModelSettings(id="me/model"))
    assert any(file.is_symlink() for file in version.iterdir())
    (workspace.models_dir / "mine").symlink_to(version)
    assert locate(ModelSettings(id="mine"), workspace) == workspace.models_dir / "mine"


def test_a_folder_of_very_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.models.inside.MOST_FILES", 10)
    for number in range(11):
        (tmp_path / str(number)).touch()
    with pytest.raises(ModelError, match="more than 10 files"):
        require_inside(tmp_path, "mine")
