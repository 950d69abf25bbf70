"""The command rebuilds the samples alone, measures alone, and trains from nothing."""

import json
import sys

import pytest

from finetune.starter import SAMPLES_DIR, __main__


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command with these arguments, its output in a folder of its own."""

    def command(*arguments):
        folders = ["--out", str(tmp_path / "model"), "--samples", str(tmp_path / "samples")]
        monkeypatch.setattr(sys, "argv", ["starter", *folders, *arguments])
        __main__.main()
        return tmp_path

    return command


def test_samples_only_writes_samples_and_nothing_else(run):
    folder = run("--samples-only")
    shipped = {file.name for file in SAMPLES_DIR.iterdir() if file.suffix != ".md"}
    assert {file.name for file in (folder / "samples").iterdir()} == shipped
    assert not (folder / "model").exists()


def test_one_step_from_nothing_gives_a_measured_model(run, monkeypatch):
    monkeypatch.setattr(__main__, "MEASURED_QUESTIONS", 2)
    monkeypatch.setattr("finetune.starter.measure.ANSWER_TOKENS", 4)
    folder = run("--steps", "1") / "model"
    assert json.loads((folder / "figures.json").read_text())["questions"] == 2
    assert (folder / "model.safetensors").stat().st_size < 10_000_000
    assert "# Starter" in (folder / "README.md").read_text()
