"""Queued runs, and a run that is not responding."""

import re

import pytest


@pytest.fixture
def three(still, write_run):
    """Three queued runs."""
    runs = [write_run(name=name, steps=0, state="paused") for name in ("one", "<two>", "three")]
    for run in runs:
        still.queue.resume(run.id)
    return runs


@pytest.fixture
def silent(still, write_run, monkeypatch):
    """A run of this process that is silent for too long, with a launcher around it, and the restarts it got."""
    monkeypatch.setattr("finetune.runs.view.STALLED_S", 0)
    monkeypatch.setattr("finetune.runs.view.STALLED_STEPS", 0)
    run, restarts = write_run(steps=4, state=None), []
    with run.held():
        still.queue.current, still.restart = run, lambda: restarts.append(run.id)
        yield run, restarts


@pytest.fixture
def enabled():
    """A function that gives the picks of the buttons in HTML that are not disabled."""
    return lambda html: [pick for pick, rest in re.findall(r"data-pick='(.*?)'(.*?)>", html) if "disabled" not in rest]
