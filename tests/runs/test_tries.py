import subprocess
import sys

import pytest

from finetune.errors import RunError
from finetune.paths import PROJECT
from finetune.runs import tries
from finetune.runs.tries import MOST, Tries

KILLED = """
import os, signal, sys
from pathlib import Path
from finetune.runs import tries
with tries.Tries(Path(sys.argv[1])).one("The work"):
    {before}
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill(file, before="pass"):
    """Do some work in a process that is killed in the middle of it."""
    code = KILLED.format(before=before)
    assert subprocess.run([sys.executable, "-c", code, str(file)], cwd=PROJECT, capture_output=True).returncode == -9


@pytest.mark.threat("S12")
def test_work_that_ends_the_program_is_given_up_and_can_be_asked_for_again(tmp_path):
    work = Tries(tmp_path / "tries")
    for number in range(MOST):
        assert work.count == number
        kill(work.file)
    with pytest.raises(RunError, match="The work was abandoned: the app ended 2 times in the middle of it"):
        with work.one("The work"):
            raise AssertionError("It must not begin.")
    with work.one("The work"):
        assert work.count == 1


@pytest.mark.parametrize("error", [None, ValueError])
def test_work_that_ends_otherwise_does_not_count(tmp_path, error):
    work = Tries(tmp_path / "tries")
    kill(work.file)
    try:
        with work.one("It"):
            if error:
                raise error
    except ValueError:
        pass
    assert work.count == 0 and not work.file.exists()


def test_work_is_not_to_blame_for_an_end_that_was_asked_for(tmp_path):
    kill(tmp_path / "tries", "tries.excuse()")
    assert Tries(tmp_path / "tries").count == 0
    tries.excuse()


@pytest.mark.parametrize("content", ["", "x", "1.5"])
def test_a_damaged_count_is_none(tmp_path, content):
    (tmp_path / "tries").write_text(content)
    assert Tries(tmp_path / "tries").count == 0


def test_a_deleted_folder_or_a_full_disk_is_no_reason_not_to_work(tmp_path):
    with Tries(tmp_path / "gone" / "tries").one("It"):
        assert not (tmp_path / "gone").exists()
