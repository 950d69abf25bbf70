"""The folder of a run is deleted just after the page has found it: whatever was asked for, the person gets words."""

import shutil
from functools import partial

import pytest

from finetune.errors import FinetuneError
from finetune.exports import TARGETS
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.ui import api, clock, page
from finetune.ui.chooser import rule_of
from finetune.ui.compare import ask, blind, booth, columns, report, scores
from finetune.ui.studio import Studio
from finetune.ui.train import actions, folds, handover, log, queue, runs
from finetune.ui.train import tab as train
from tests.blind import drawn
from tests.pace import wait_for


def first(found):
    """The last thing that a handler says which says several."""
    *_, last = found
    return last


def hand_over(name, studio, run_id):
    handover.ask(studio, handover.Form(), run_id, name)


def fetch(name, studio, run_id):
    handover.fetch(studio, run_id, f"download:{name}")


RULE = rule_of("train")
HANDLERS = {
    "clock": lambda studio, run_id: clock.refresh(studio, {}, run_id, run_id),
    "render": train.render,
    "status": api.status,
    "stop": lambda studio, run_id: actions.act(studio, f"remove:{run_id}"),
    **{verb: lambda studio, run_id, verb=verb: actions.act(studio, f"{verb}:{run_id}")
       for verb in ("resume", "dismiss", "delete", "up", "restart")},
    "pause": partial(actions.attempt, actions.pause),
    "confirm": partial(actions.attempt, actions.confirm_delete),
    "log": partial(actions.attempt, log.download),
    "download": partial(actions.attempt, actions.download),
    "handovers": lambda studio, run_id: folds.refresh(studio, handover.content(studio), RULE, run_id, None),
    **{f"hand over {name}": partial(hand_over, name) for name in TARGETS},
    **{f"fetch {name}": partial(fetch, name) for name in TARGETS},
    "queue": lambda studio, run_id: queue.panel(studio) + queue.offers(studio),
    "runs": lambda studio, run_id: runs.refresh(studio, [run_id], None),
    "further": lambda studio, run_id: page.to_compare(studio, run_id),
    "columns": lambda studio, run_id: columns.choices(studio, studio.find_run(run_id)),
    "chosen": lambda studio, run_id: ask.choose(studio, run_id, None),
    "clear": lambda studio, run_id: ask.clear(studio, run_id, None, None),
    "report": lambda studio, run_id: report.show(studio, run_id, None),
    "report file": lambda studio, run_id: report.to_file(studio, ".html", run_id, None),
    "shared": lambda studio, run_id: report.share(studio, run_id, None),
    "scores": lambda studio, run_id: scores.choose(studio, run_id, "all", "as read", ""),
    "blind test": lambda studio, run_id: blind.show(studio, "voter", run_id),
    "vote": lambda studio, run_id: blind.pick(studio, "voter", run_id, "me", "a:0"),
    "next round": blind.next_round,
    "booth": lambda studio, run_id: booth.board(studio, studio.find_run(run_id), "voter"),
}  # fmt: skip
"""What a page asks of a run, by name; each takes a studio and the id of the run."""
RECIPE = Recipe.from_dict({"data": {"path": "assets/samples/pirate-voice.jsonl"}})


@pytest.mark.threat("S5", "T34")
@pytest.mark.parametrize("state", ["done", "", "queued"])
@pytest.mark.parametrize("name", HANDLERS)
def test_a_run_that_is_deleted_just_after_it_was_found(name, state, workspace, write_run, monkeypatch):
    run = write_run(state=state) if state != "queued" else workspace.create(RECIPE)
    if state == "done":
        (run.path / "model").mkdir()
        (run.path / "model" / "adapter_model.safetensors").write_bytes(b"x")
        drawn(run)
    studio = Studio(workspace)
    studio.queue.close(0)
    studio.views()
    found = Workspace.runs

    def is_deleted() -> bool:  # a file that the worker writes meanwhile makes a folder stay, for anyone who deletes it
        shutil.rmtree(run.path, ignore_errors=True)
        return not run.path.exists()

    def deleted(self):
        listed = found(self)
        wait_for(is_deleted, seconds=20)
        return listed

    monkeypatch.setattr(Workspace, "runs", deleted)
    try:
        HANDLERS[name](studio, run.id)
    except FinetuneError as error:  # words, which the page shows wherever they are raised
        assert name != "clock" and str(workspace.path) not in str(error)
    for thread in list(studio.ballots._threads.values()):
        thread.join(20)
    wait_for(lambda: not run.is_gone or not run.path.exists(), seconds=20)  # it is not made again
