"""Other accounts of the machine: nothing of the workspace is theirs to read."""

import json
import os
import stat
import subprocess
import sys

import pytest

from finetune.paths import PROJECT
from tests.pace import wait_for
from tests.test_app import environment, program
from tests.training.test_train import recipe

SHELL = 0o022
"""The umask of most shells: all may read what is made."""


@pytest.fixture
def shell():
    """Child processes begin with the umask of most shells."""
    before = os.umask(SHELL)
    yield
    os.umask(before)


def open_to_others(workspace) -> dict[str, str]:
    """What another account could open or list in the workspace, by its mode; links are as open as what they name."""
    found = [workspace.path, *workspace.path.rglob("*")]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in found if not path.is_symlink()}
    return {str(path.relative_to(workspace.path)): oct(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.mark.threat("S15")
def test_a_run_and_its_export(with_tiny, tmp_path, shell):
    (tmp_path / "recipe.yaml").write_text(recipe(tmp_path).to_yaml())
    for path in (with_tiny.path, with_tiny.runs_dir):
        path.chmod(0o755)  # as an older version made it
    done = {"cwd": PROJECT, "env": environment(with_tiny), "check": True}
    subprocess.run([sys.executable, "-m", "finetune", "train", str(tmp_path / "recipe.yaml")], **done)
    (run,) = with_tiny.runs()
    assert run.view().has_model and (run.path / "model").is_dir() and run.checkpoints.newest().checkpoint
    assert open_to_others(with_tiny) == {}
    to = tmp_path / "for others" / "here"
    subprocess.run([sys.executable, "-m", "finetune", "export", run.id, "--to", str(to)], **done)
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in [to.parent, *to.parent.rglob("*")]}
    assert set(made.values()) == {0o755, 0o644} and to / f"{run.id}.zip" in made
    assert all(mode == (0o755 if path.is_dir() else 0o644) for path, mode in made.items())
    assert open_to_others(with_tiny) == {}


@pytest.mark.threat("S15", "S11")
def test_the_server_and_what_is_brought_to_it(with_tiny, tmp_path, shell, monkeypatch):
    from gradio_client import handle_file

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "shared"))
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"prompt": f"What is {n}?", "completion": f"It is {n}."}) + "\n" for n in range(40))
    )
    with program(with_tiny) as running:
        found = running.ask("/check", handle_file(str(tmp_path / "rows.jsonl")), "tiny", 256)
        text = f"data: {{path: {found['data']}}}\nmodel: {{id: tiny}}\ntraining: {{max_steps: 2}}"
        run = with_tiny.run(running.ask("/start", text))
        wait_for(lambda: run.view().state == "done")
        assert (with_tiny.path / "server.json").exists() and list(with_tiny.cache_dir.rglob("rows.jsonl"))
        assert open_to_others(with_tiny) == {} and not (tmp_path / "shared").exists()
