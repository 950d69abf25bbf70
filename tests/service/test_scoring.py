import shutil
import threading

import pytest

from finetune.errors import DataError, FinetuneError, RunError
from finetune.evaluation.sheet import Request, Sheet, read
from finetune.machine.lease import Lease
from finetune.service import desk
from finetune.service.scoring import Scoring, is_scorable, request_own, score
from tests.evaluation.figures import row, scores


@pytest.fixture
def evaluated(monkeypatch):
    """Replaces the evaluation; what it was asked, in order."""
    import finetune.evaluation.evaluate as module

    asked, done = [], threading.Event()

    def evaluate(run, workspace, request, report, stopped):
        asked.append((run.id, request))
        report("held-out rows", 0.5)
        done.set()
        return scores(run.id), [row()]

    monkeypatch.setattr(module, "evaluate", evaluate)
    return asked


def until(holds):
    """Wait until ``holds()``."""
    for _ in range(1000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("It never came to that.")


def test_a_finished_run_with_held_out_rows_is_asked_for_scores(write_run):
    asked = request_own(write_run())
    assert asked.request.rows == 200 and asked.request.minutes >= 2
    for run in (write_run(state=""), write_run(state="failed"), write_run(method="reward")):
        assert request_own(run) is None and not is_scorable(run.view())


def test_a_recipe_may_ask_for_none(workspace, write_run, monkeypatch):
    run = write_run()
    (run.path / "recipe.yaml").write_text(run.recipe.changed(**{"evaluation.score_rows": 0}).to_yaml(full=True))
    assert request_own(run) is None


def test_a_request_is_done_once_and_its_scores_stay(workspace, write_run, evaluated):
    run = write_run()
    score(request_own(run), workspace)
    score(Sheet(run), workspace)
    assert len(evaluated) == 1 and read(run).run == run.id and Sheet(run).rows == [row()]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DataError("No rows.", "Hold some out."), "No rows."),
        (RuntimeError("CUDA out of memory."), "The machine ran out of memory."),
        (KeyError("x"), "An unexpected error ended the evaluation."),
    ],
)
def test_what_goes_wrong_is_written_down_and_ends_no_run(workspace, write_run, monkeypatch, error, words):
    def fail(*_):
        raise error

    monkeypatch.setattr("finetune.evaluation.evaluate.evaluate", fail)
    run = write_run()
    score(request_own(run), workspace)
    assert Sheet(run).failure[0] == words and Sheet(run).request is None and run.view().state == "done"


def test_a_stopped_one_is_left_for_the_next_server(workspace, write_run, monkeypatch, evaluated):
    from finetune.runs.job import Stopped

    def stop(*_):
        raise Stopped

    run = write_run()
    with monkeypatch.context() as patch:
        patch.setattr("finetune.evaluation.evaluate.evaluate", stop)
        score(request_own(run), workspace)
    assert Sheet(run).request is not None
    Scoring(workspace)
    until(lambda: read(run) is not None)
    assert Sheet(run).request is None


def test_it_waits_while_another_holds_the_device(workspace, write_run, monkeypatch, evaluated):
    monkeypatch.setattr(desk, "POLL_S", 0.01)
    asked, lease = request_own(write_run()), Lease(workspace.path).take()
    worker = threading.Thread(target=score, args=(asked, workspace))
    worker.start()
    until(lambda: asked.progress[0] == "waiting for the machine")
    assert evaluated == []
    lease.__exit__()
    worker.join(10)
    assert len(evaluated) == 1


def test_one_that_never_gets_the_device_can_be_stopped(workspace, write_run, evaluated):
    with Lease(workspace.path).take():
        score(request_own(write_run()), workspace, lambda: True)
    assert evaluated == []


def test_people_ask_for_other_rows_of_what_can_be_scored(workspace, write_run, evaluated):
    thread, run = Scoring(workspace), write_run()
    asked = thread.ask(run, Request(data="assets/samples/pirate-voice.held-out.jsonl", trusted=False))
    assert asked.key == "file-pirate-voice-held-out-jsonl"
    until(lambda: asked.scores is not None)
    with pytest.raises(RunError, match="no tuned model"):
        thread.ask(write_run(state=""), Request())
    with pytest.raises(FinetuneError, match="no data file"):
        thread.ask(run, Request(data="/etc/passwd", trusted=False))
    assert len(evaluated) == 1


@pytest.mark.threat("S12")
def test_an_evaluation_that_ends_the_server_is_given_up(workspace, write_run, evaluated):
    asked = request_own(write_run())
    asked.tries.file.write_text("1")
    score(asked, workspace)
    assert len(evaluated) == 1 and asked.scores is not None, "the first crash may have another cause"
    again = asked.ask(Request(rows=3))
    again.tries.file.write_text("2")
    Scoring(workspace)
    until(lambda: again.failure[0])
    assert "abandoned: the app ended 2 times" in again.failure[0] and again.request is None and len(evaluated) == 1
    score(again.ask(Request(rows=3)), workspace)
    assert len(evaluated) == 2, "someone asked for it again"


@pytest.mark.threat("S5")
def test_the_thread_goes_on_after_a_run_that_is_gone(workspace, write_run, evaluated, monkeypatch):
    thread, gone, other = Scoring(workspace), write_run(), write_run()
    with Lease(workspace.path):
        thread.ask(gone, Request())
        asked = thread.ask(other, Request())
        shutil.rmtree(gone.path)
    until(lambda: asked.scores is not None)
    assert not gone.path.exists()
