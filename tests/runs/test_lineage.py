from finetune.runs.lineage import earlier, lineage


def test_a_run_comes_from_those_that_were_trained_further(workspace, write_run):
    first = write_run()
    second = write_run(model={"run": str(first.number)})
    third = write_run(model={"run": second.id})
    assert [run.id for run in lineage(third, workspace)] == [first.id, second.id, third.id]
    assert earlier(second, workspace).id == first.id and earlier(first, workspace) is None
    assert [run.id for run in lineage(first, workspace)] == [first.id]


def test_a_deleted_run_ends_the_line(workspace, write_run):
    run = write_run(model={"run": "099-gone"})
    assert earlier(run, workspace) is None and lineage(run, workspace) == [run]


def test_a_line_that_runs_in_a_circle_ends(workspace, write_run):
    run = write_run(model={"run": "1"})
    assert lineage(run, workspace) == [run]
