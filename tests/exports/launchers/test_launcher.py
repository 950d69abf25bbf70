"""What all launchers share: they are found, they refuse what does not concern them, their shell is sound."""

import subprocess

import pytest

from finetune.errors import RunError
from finetune.exports.launchers import LAUNCHERS, Job, Launcher
from finetune.exports.script import ScriptOptions

GIVEN = {
    "nodes": {"nodes": 2, "gpus_per_node": 0, "output": "/data/my models/$(id)/it's"},
    "slurm": {"nodes": 2, "gpus_per_node": 4, "output": "/data/my models/$(id)/it's"},
    "skypilot": {"nodes": 2, "flavor": "L4"},
    "hf-jobs": {"flavor": "l4x4", "bucket": "me/tuned"},
}
"""Options of each launcher that writes a file."""


def job(launcher, **others) -> Job:
    return ScriptOptions(launcher=launcher, **others).job("001-pirate-voice")


def text(launcher, **others) -> str:
    return LAUNCHERS[launcher].text(job(launcher, **(others or GIVEN[launcher])))


def shellchecked(source) -> None:
    """Nothing that bash complains of or shellcheck warns of."""
    for command in (["bash", "-n"], ["shellcheck", "--severity=warning", "--shell=bash", "-"]):
        done = subprocess.run(command, input=source, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_found_by_being_there():
    assert list(LAUNCHERS) == ["here", "nodes", "slurm", "skypilot", "hf-jobs"]
    assert GIVEN.keys() == {name for name, launcher in LAUNCHERS.items() if launcher.file}
    with pytest.raises(NotImplementedError):
        Launcher().text(Job("001-a"))


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_each_says_how_to_start_its_file(launcher, tmp_path):
    folder = tmp_path / "a folder; with 'signs'"
    steps = LAUNCHERS[launcher].steps(folder)
    assert steps and any((LAUNCHERS[launcher].file or "train.py") in step.commands for step in steps)
    for step in steps:
        done = subprocess.run(["bash", "-n"], input=step.commands, capture_output=True, text=True)
        assert done.returncode == 0 and step.title[0].isupper()


@pytest.mark.parametrize("launcher", GIVEN)
def test_each_file_says_what_it_trains_and_what_to_adapt(launcher):
    found = text(launcher)
    assert "# Trains run 001-pirate-voice on" in found and "# Adapt:\n# - " in found
    assert all(len(line) <= 122 for line in found.splitlines())


@pytest.mark.parametrize(
    ("launcher", "options", "what"),
    [
        ("here", {"nodes": 2}, "The launcher here, on this machine, has no option nodes."),
        ("slurm", {"flavor": "l4x1"}, "has no option flavor"),
        ("hf-jobs", {"nodes": 2, "flavor": "l4x1", "bucket": "me/b"}, "has no option nodes"),
        ("skypilot", {"output": "/data", "flavor": "L4"}, "has no option output"),
    ],
)
def test_an_option_of_another_launcher_is_refused(launcher, options, what):
    with pytest.raises(RunError, match=what) as refused:
        job(launcher, **options)
    assert launcher not in refused.value.hint.rpartition(":")[2]


@pytest.mark.parametrize("output", ["a\nb", "~/models", "a\x1bb"])
def test_a_folder_that_no_line_of_shell_names_is_refused(output):
    with pytest.raises(ValueError, match="A folder is named"):
        ScriptOptions(output=output)
