"""A job: asked for until it is done, and known to whoever looks at the run directory."""

import shutil

import pytest

from finetune.errors import GoneError, RunError
from finetune.runs.job import Job
from finetune.runs.workspace import Workspace


@pytest.fixture
def job(write_run):
    run = write_run(state="done")
    return Job(run, run.path / "jobs" / "one")


def test_a_job_is_asked_for_until_it_is_done(job):
    assert not job.is_asked
    job.request_anew("a: 1\n")
    job.report("writing", 0.5)
    again = Job(Workspace(job.run.path.parents[1]).run(job.run.id), job.folder)
    assert again.is_asked and again.progress == ("writing", 0.5)
    job.close()
    assert not again.is_asked and again.progress == ("", 0.0) and again.failure == ("", "")


def test_why_it_failed_is_kept_until_it_is_asked_for_again(job):
    job.request_anew("a: 1\n")
    job.fail(RunError("It does not fit.", "Free some disk."))
    assert not job.is_asked and job.failure == ("It does not fit.", "Free some disk.")
    job.request_anew("a: 1\n")
    assert job.failure == ("", "")


def test_a_deleted_run_is_not_made_again(job):
    shutil.rmtree(job.run.path)
    with pytest.raises(GoneError):
        job.request_anew("a: 1\n")
    assert not job.run.path.exists()
