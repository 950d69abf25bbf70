import pytest

from finetune.errors import DataError, RunError
from finetune.evaluation.sheet import HELD_OUT, Request, Sheet, key_of, read, rows, sheet, sheets
from tests.evaluation.figures import row, scores


def test_a_request_stands_until_something_was_found(write_run):
    run = write_run()
    asked = Sheet(run).ask(Request(rows=12, trusted=False))
    again = Sheet(run)
    assert again.request == Request(rows=12, trusted=False) and again.scores is None and read(run) is None
    asked.report("held-out rows", 0.5)
    assert again.progress == ("held-out rows", 0.5)
    found, told = scores(run.id), [row(0), row(1, question="ünï\ncode \ud800")]
    asked.finish(found, told[:1])
    assert read(run) == found and rows(run) == told[:1] and again.request is None and again.progress == ("", 0.0)


def test_what_was_found_before_stays_while_it_is_done_again_or_fails(write_run):
    run = write_run()
    found = scores(run.id)
    Sheet(run).ask(Request()).finish(found, [])
    asked = Sheet(run).ask(Request())
    assert read(run) == found
    asked.fail(DataError("No rows.", "Hold some out."))
    assert read(run) == found and asked.failure == ("No rows.", "Hold some out.") and asked.request is None
    asked.ask(Request())
    assert asked.failure == ("", "")


def test_every_evaluation_of_a_run_is_listed_its_own_rows_first(write_run):
    run = write_run()
    assert sheets(run) == []
    for key in ("file-a", HELD_OUT):
        Sheet(run, key).ask(Request())
    assert [each.key for each in sheets(run)] == [HELD_OUT, "file-a"]
    Sheet(run, "file-a").delete()
    assert [each.key for each in sheets(run)] == [HELD_OUT]


def test_a_key_is_no_way_out_of_the_run(write_run):
    assert key_of(None) == HELD_OUT and key_of("uploads/x/My File.csv") == "file-my-file-csv"
    for key in ("..", "../x", "a/b", "", "A", "x" * 99):
        with pytest.raises(RunError):
            sheet(write_run(), key)


def test_damaged_files_count_as_none(write_run):
    run = write_run()
    asked = Sheet(run).ask(Request())
    for name in ("request.yaml", "scores.json", "progress.json", "failed.json"):
        (asked.folder / name).write_text("{ torn")
    assert asked.request is None and asked.scores is None and asked.failure == ("", "") and asked.rows == []
