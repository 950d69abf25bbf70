import pytest

from finetune.errors import DataError, RunError
from finetune.evaluation.evaluate import evaluate, kept_of
from finetune.evaluation.sheet import Request, Sheet
from finetune.rewards.judge import Judge
from finetune.runs.job import Stopped
from tests.evaluation.figures import row
from tests.inference.test_endpoint import serving


@pytest.fixture
def general(monkeypatch, tmp_path):
    """Two general questions, and the tiny model's own words as their answers."""
    import finetune.evaluation.general as general

    path = tmp_path / "general.jsonl"
    turns = '{"role": "user", "content": "%s"}, {"role": "assistant", "content": "%s"}'
    path.write_text("".join(f'{{"messages": [{turns % pair}]}}\n' for pair in (("1 + 1?", "2"), ("Sky?", "Blue"))))
    monkeypatch.setattr(general, "EVERYONES", path)
    return path


def test_a_run_is_scored_on_its_held_out_rows_general_questions_and_training_rows(tuned, general):
    (run, workspace), told = tuned, []
    found, rows = evaluate(run, workspace, Request(rows=5), lambda what, share: told.append(what))
    assert found.run == run.id and found.asked.rows == min(5, found.asked.of) and found.general.rows == 2
    assert found.trained.rows > 0 and found.memorized is not None and found.seconds > 0
    assert [part.name for part in found.parts] == ["asked", "general", "trained"]
    assert set(told) == {"loading base and tuned", "held-out rows", "general questions", "training rows"}
    assert len([each for each in rows if each.part == "asked"]) == found.asked.rows
    loss = found.asked.score("loss")
    assert loss.base.low <= loss.base.value <= loss.base.high and loss.base.value != loss.tuned.value
    assert evaluate(run, workspace, Request(rows=5))[1] == rows


def test_another_file_may_be_evaluated(tuned, general, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("question,answer\n" + "".join(f"What is {n}?,{n}\n" for n in range(6)))
    found, _ = evaluate(*tuned, Request(data=str(path), rows=4))
    assert (found.asked.data, found.asked.rows, found.asked.of) == ("other.csv", 4, 6)
    with pytest.raises(Exception, match="no data file"):
        evaluate(*tuned, Request(data=str(path), trusted=False))


def test_time_that_is_over_is_said_and_what_was_done_counts(tuned, general, monkeypatch):
    import finetune.evaluation.evaluate as module

    monkeypatch.setattr(module, "CHUNK", 2)
    found, _ = evaluate(*tuned, Request(minutes=1e-6))
    assert found.trained.rows == 2 and found.notes == ("Time was over after 2 of 22 training rows.",)


def test_a_stopped_evaluation_says_nothing(tuned):
    with pytest.raises(Stopped):
        evaluate(*tuned, Request(), stopped=lambda: True)


def test_what_cannot_be_scored_says_why(tuned):
    run, workspace = tuned
    with pytest.raises(DataError, match="no held-out rows"):
        evaluate(workspace.create(run.recipe.changed(**{"data.held_out_share": 0})), workspace)
    with pytest.raises(RunError, match="no tuned model"):
        evaluate(workspace.create(run.recipe), workspace)
    with pytest.raises(RunError, match="is a reward model"):
        evaluate(workspace.create(run.recipe.changed(method={"type": "reward"})), workspace)


def test_what_was_kept_is_counted_among_what_the_base_knew():
    rows = [row(n, "general", contains=pair) for n, pair in enumerate([(1, 1)] * 8 + [(1, 0)] * 2 + [(0, 1)] * 5)]
    found = kept_of(rows)
    assert (found.known, found.still, found.share.value) == (10, 8, 0.8) and found.share.low < 0.5
    assert kept_of([row(0, "general", contains=(0, 1))]) is None and kept_of([row()]) is None


def test_a_judge_is_asked_once_base_and_tuned_are_scored(tuned, general):
    run, workspace = tuned
    with serving(lambda prompt, count: "A") as (address, _):
        asked = Request(rows=2, judge=Judge(model="big", endpoint=address))
        Sheet(run).ask(asked)
        found, rows = evaluate(run, workspace, asked)
    judged = found.judged
    assert judged.judge == "big" and judged.rows == 2 and judged.wins == judged.losses == 0
    unlike = sum(row.part == "asked" and row.base.text != row.tuned.text for row in rows)
    assert judged.contradicted == unlike
