import json
import os
import time

import pytest

from finetune.recipe import Recipe


@pytest.fixture
def two(with_tiny, tmp_path):
    """The paths of an upload of long ago and one of today."""
    paths = []
    for name, days in (("old", 100), ("new", 0)):
        (tmp_path / "sent").write_text(name)
        paths.append(with_tiny.keep(tmp_path / "sent", f"{name}.csv", "ana"))
        then = time.time() - days * 86_400
        for each in [*(with_tiny.path / paths[-1]).parent.glob("*"), with_tiny.path / paths[-1]]:
            os.utime(each, (then, then))
    return paths


def test_uploads_are_listed_and_deleted(command, with_tiny, two):
    old, new = two
    run = with_tiny.create(Recipe.from_dict({"data": {"path": new}}))
    code, out, _ = command("uploads", "--json")
    found = json.loads(out)["uploads"]
    assert code == 0 and [(each["path"], each["runs"], each["owners"]) for each in found] == [
        (new, [run.id], ["ana"]),
        (old, [], ["ana"]),
    ]
    code, out, _ = command("uploads")
    assert f"{new}  {run.id}" in out and f"{old}  no run" in out
    code, out, error = command("uploads", "--delete", new)
    assert (code, out) == (2, "") and f"Run {run.id} needs new.csv." in error
    assert command("uploads", "--delete", old)[1] == f"{old}\n1 upload deleted.\n"
    assert [each.path for each in with_tiny.uploads()] == [new]


def test_those_that_no_run_names_are_deleted_by_their_age(command, with_tiny, two):
    code, out, _ = command("uploads", "--older-than", "30")
    assert code == 0 and out == f"{two[0]}\n1 upload deleted.\n"
    with_tiny.create(Recipe.from_dict({"data": {"path": two[1]}}))
    assert command("uploads", "--older-than", "0")[1] == "0 uploads deleted.\n"


@pytest.mark.parametrize("days", ["-1", "nan", "soon", "inf"])
def test_no_number_of_days_is_refused(command, days, capsys):
    with pytest.raises(SystemExit):
        command("uploads", "--older-than", days)
    assert "is no number of days" in capsys.readouterr().err


def test_without_uploads_it_says_so(command):
    assert command("uploads")[1] == "No uploads.\n"
