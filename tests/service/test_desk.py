"""A desk does one job after the other, also those that an earlier server left, and survives each."""

import threading

import pytest

from finetune.errors import RunError
from finetune.machine.lease import Lease
from finetune.runs.job import Job, Stopped
from finetune.service import desk
from finetune.service.desk import WAITING, Desk, noted, on_device
from tests.pace import wait_for


@pytest.fixture
def jobs(write_run):
    made = []
    for n in range(3):
        run = write_run(state="done")
        made.append(Job(run, run.path / "jobs" / str(n)))
        made[-1].request_anew("a: 1\n")
    return made


def test_jobs_are_done_in_their_order_those_of_an_earlier_server_first(jobs):
    done = []

    def work(job, stopped):
        done.append(job)
        if job is jobs[1]:
            raise ValueError("A bug.")
        job.close()

    at = Desk("job", jobs[:2], work)
    at.put(jobs[2])
    wait_for(lambda: len(done) == 3, seconds=20)
    wait_for(lambda: not jobs[2].is_asked, seconds=20)
    assert done == jobs and jobs[1].is_asked
    at.close()


def test_a_job_waits_for_the_device_and_says_so(jobs, monkeypatch, workspace):
    monkeypatch.setattr(desk, "POLL_S", 0.01)
    done = threading.Event()
    with Lease(workspace.path).take():
        thread = threading.Thread(target=on_device, args=(jobs[0], workspace, lambda: False, done.set))
        thread.start()
        wait_for(lambda: jobs[0].progress == (WAITING, 0.0), seconds=20)
        assert not done.is_set()
    thread.join(20)
    assert done.is_set()
    with Lease(workspace.path).take():
        on_device(jobs[1], workspace, lambda: True, lambda: pytest.fail("It was stopped."))


@pytest.mark.parametrize(
    "error, message, is_asked",
    [
        (RunError("It cannot.", "Try another."), "It cannot.", False),
        (KeyError("x"), "An unexpected error ended the job.", False),
        (Stopped(), "", True),
    ],
)
def test_what_goes_wrong_is_written_down(jobs, error, message, is_asked):
    def fail():
        raise error

    assert not noted(jobs[0], "job", fail)
    assert jobs[0].failure[0] == message and jobs[0].is_asked is is_asked


def test_a_job_that_ended_the_whole_program_twice_is_abandoned(jobs):
    jobs[0].tries.file.write_text("2")
    assert not noted(jobs[0], "job", lambda: pytest.fail("It was begun again."))
    assert "was abandoned: the app ended 2 times" in jobs[0].failure[0]
