import csv
import json

import pandas

from finetune.machine.host import Host
from finetune.recipe import Recipe
from finetune.runs import heartbeat
from finetune.runs.events import Ended, Entered, Evaluated, Planned, Started, Stepped


def ended(workspace, recipe_file, **settings):
    """A run whose events say that it is done, with one evaluation; nothing was trained."""
    run = workspace.create(Recipe.load(recipe_file).changed(**settings))
    for event in (
        Started(device="CPU"),
        Planned(total_steps=8, train_rows=22, held_out_rows=2, trained_tokens=300, parameters=90_000, trainable=4_000),
        Stepped(step=8, epoch=1.0, loss=2.5, learning_rate=1e-3, tokens_per_s=120.0),
        Evaluated(step=8, loss=2.0 + run.number),
        Ended(state="done"),
    ):
        run.emit(event)
    return run


def test_runs_are_listed_newest_first(command, recipe_file, with_tiny):
    assert command("runs")[1] == "There are no runs yet.\n"
    ids = [ended(with_tiny, recipe_file).id for _ in range(2)]
    code, out, _ = command("runs", "--json")
    assert code == 0 and [run["run"] for run in json.loads(out)["runs"]] == ids[::-1]
    assert command("runs")[1].splitlines()[0].split() == [ids[1], "done", "100", "%"]


def test_a_run_is_shown(command, recipe_file, with_tiny):
    ended(with_tiny, recipe_file)
    facts = json.loads(command("show", "1", "--json")[1])
    assert (facts["step"], facts["loss"], facts["held_out_loss"], facts["percent"]) == (8, 2.5, 3.0, 100)
    code, out, _ = command("show", "1")
    assert code == 0 and "state: done" in out and "message" not in out


def test_the_figures_of_a_run_are_printed_or_written_as_a_table(command, recipe_file, with_tiny, tmp_path):
    ended(with_tiny, recipe_file)
    code, out, _ = command("events", "1")
    assert code == 0 and out.splitlines()[0].startswith('"step","epoch","loss"')
    assert next(csv.DictReader(out.splitlines()))["held_out_loss"] == "3.0"
    (row,) = json.loads(command("events", "1", "--json")[1])["rows"]
    assert (row["step"], row["loss"], row["held_out_loss"], row["tokens_per_s"]) == (8, 2.5, 3.0, 120.0)
    assert json.loads(command("events", "1", "--as", "json")[1]) == [row]
    for name, read in ("a.csv", pandas.read_csv), ("a.json", pandas.read_json):
        code, out, _ = command("events", "1", "--to", tmp_path / "new" / name)
        assert (code, out) == (2, "")  # a folder that is not there is not made
        code, out, _ = command("events", "1", "--to", tmp_path / name)
        assert code == 0 and out == f"{tmp_path / name}\n"
        assert read(tmp_path / name)["held_out_loss"].tolist() == [3.0]
    assert command("events", "1", "--as", "json", "--to", tmp_path / "b.txt")[0] == 0
    assert json.loads((tmp_path / "b.txt").read_text()) == [row]


def test_where_another_machine_trains_a_run_is_shown(command, recipe_file, with_tiny, monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    monkeypatch.setattr(heartbeat, "SILENT_S", 0.0)
    run = ended(with_tiny, recipe_file)
    run.emit(Entered(phase="training"))
    beat = Host("node7", "k", "i").to_dict() | {"mark": "theirs", "beat": 1}
    (run.path / heartbeat.FILE).write_text(json.dumps(beat), encoding="utf-8")
    code, out, _ = command("show", "1")
    assert code == 0 and "elsewhere: Trained on node7; no sign of life for " in out
    assert "That machine may have ended" in out and "state: running" in out


def test_runs_are_compared(command, recipe_file, with_tiny):
    for rank in 1, 2:
        ended(with_tiny, recipe_file, **{"adapter.rank": rank})
    code, out, _ = command("compare", "1", "2")
    assert code == 0 and out.startswith("run") and "rank 2" in out
    assert "3.0000 *" in out and out.splitlines()[-1] == "* the lowest loss on held-out rows"
    assert json.loads(command("compare", "1", "2", "--json")[1])["best"].startswith("001")


def test_runs_without_an_evaluation_have_no_best(command, recipe_file, with_tiny):
    with_tiny.create(Recipe.load(recipe_file))
    code, out, _ = command("compare", "1")
    assert code == 0 and out.splitlines()[-1] == "No run was evaluated."


def test_a_run_at_work_is_stopped_or_paused(command, recipe_file, with_tiny):
    for name, asked in ("stop", "stops after this step"), ("pause", "pauses after this step"):
        run = with_tiny.create(Recipe.load(recipe_file))
        code, out, _ = command(name, run.id)
        assert code == 0 and out.startswith(f"{run.id} {asked}") and run.asked == name
        assert json.loads(command(name, run.id, "--json")[1]) == {"run": run.id, "state": "stopping"}


def test_a_finished_run_cannot_be_stopped(command, recipe_file, with_tiny):
    ended(with_tiny, recipe_file)
    code, _, error = command("stop", "1")
    assert code == 2 and "not running" in error


def test_a_run_that_ended_is_deleted_and_one_at_work_or_queued_is_not(command, recipe_file, with_tiny):
    run = ended(with_tiny, recipe_file)
    code, out, _ = command("delete", "1", "--json")
    assert code == 0 and json.loads(out) == {"run": run.id, "state": "deleted"}
    assert not run.path.exists() and not [*with_tiny.runs_dir.glob(".trash-*")]

    other = with_tiny.create(Recipe.load(recipe_file))
    assert other.number == 2, "a number is not given twice"
    code, out, error = command("delete", "2")
    assert code == 2 and out == "" and "has not ended" in error
    with other.held():
        other.emit(Started(device="CPU"))
        code, _, error = command("delete", other.id)
    assert code == 2 and "has not ended" in error and other.path.exists()
