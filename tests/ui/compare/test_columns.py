from finetune.inference.panel import Column
from finetune.ui.compare import columns


def test_checkpoints_and_other_finished_runs_are_offered(studio, write_run, monkeypatch):
    other, _, run = write_run(name="other"), write_run(state=None), write_run()
    steps = [Column(run.id, is_base=True), Column(run.id), Column(run.id, 5), Column(run.id, 10)]
    monkeypatch.setattr(columns, "kept", lambda run: steps)
    found = columns.offered(studio, run)
    assert list(found) == ["Step 10", "Step 5", "1 · other · finished"]
    assert found["Step 5"] == Column(run.id, 5) and found["1 · other · finished"] == Column(other.id)
    assert columns.choices(studio, run).visible and not columns.choices(studio, None).visible


def test_at_most_two_stand_beside_base_and_tuned(studio, write_run):
    for name in ("one", "two", "three"):
        write_run(name=name)
    run = write_run()
    assert columns.columns_of(studio, run, None) == (Column(run.id, is_base=True), Column(run.id))
    chosen = columns.columns_of(studio, run, ["gone", *columns.offered(studio, run)])
    assert [column.run for column in chosen[2:]] == ["003-three", "002-two"]
