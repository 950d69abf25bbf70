"""What people ask to be written: beside a training if it is quick, checked once the device is free."""

import pytest

from finetune.errors import RunError
from finetune.exports import TARGETS
from finetune.exports.handover import Handover
from finetune.exports.target import Exported, Target, Work
from finetune.machine.lease import Lease
from finetune.service import desk
from finetune.service.handing_over import HandingOver, hand_over, handovers
from tests.pace import wait_for


class Note(Target):
    name = "note"
    words = "a note"
    title = "Note"
    purpose = "A note."
    answers = False
    tokens = []

    def write(self, run, workspace, to, options=None, work=Work()):
        self.tokens.append(work.token)
        to.mkdir(parents=True)
        (to / "note.txt").write_text("x")
        return Exported(to / "note.txt")


class Quick(Note):
    name = "quick"
    is_quick = True


@pytest.fixture
def run(write_run):
    return write_run(state="done")


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    Note.tokens = []
    monkeypatch.setattr(desk, "POLL_S", 0.01)
    for target in (Note(), Quick()):
        monkeypatch.setitem(TARGETS, target.name, target)


@pytest.fixture
def at(workspace):
    made = HandingOver(workspace)
    yield made
    made.close()


def test_only_what_is_quick_is_written_beside_a_training(at, run, workspace):
    with Lease(workspace.path).take():
        slow, quick = at.ask(run, TARGETS["note"]), None
        wait_for(lambda: slow.progress[0] == desk.WAITING, seconds=20)
        assert slow.written is None
    wait_for(lambda: slow.written and not slow.is_asked, seconds=20)
    with Lease(workspace.path).take():
        quick = at.ask(run, TARGETS["quick"])
        wait_for(lambda: quick.written, seconds=20)
        assert quick.is_asked  # its parity check is still to come
    wait_for(lambda: not quick.is_asked, seconds=20)
    assert [each.target.name for each in handovers(run)] == ["note", "quick"]


def test_a_token_is_given_on_and_written_nowhere(at, run):
    at.ask(run, TARGETS["note"], token="hf_planted")
    wait_for(lambda: Note.tokens == ["hf_planted"], seconds=20)
    assert not any(b"hf_planted" in path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    wait_for(lambda: not Handover(run, TARGETS["note"]).is_asked, seconds=20)
    at.ask(run, TARGETS["note"])
    wait_for(lambda: Note.tokens == ["hf_planted", None], seconds=20)


def test_a_second_click_does_not_take_the_place_of_the_first(at, run, workspace):
    with Lease(workspace.path).take():
        first = at.ask(run, TARGETS["note"])
        with pytest.raises(RunError, match="being written so already"):
            at.ask(run, TARGETS["note"])
        other = at.ask(run, TARGETS["quick"])
    wait_for(lambda: first.written and other.written and not other.is_asked, seconds=20)
    wait_for(lambda: not at._asked, seconds=20)
    again = at.ask(run, TARGETS["note"])
    wait_for(lambda: again.written and not again.is_asked, seconds=20)
    assert again.exported.path.read_text() == "x"


def test_what_an_earlier_server_left_is_done(run, workspace):
    left = Handover(run, TARGETS["note"]).ask()
    at = HandingOver(workspace)
    wait_for(lambda: left.written and not left.is_asked, seconds=20)
    assert left.exported.path.read_text() == "x"
    at.close()


def test_a_stopped_one_stays_asked_for(run, workspace):
    handover = Handover(run, TARGETS["note"]).ask()
    hand_over(handover, workspace, Work(stopped=lambda: True))
    assert handover.is_asked and handover.written is None


def test_a_fault_is_said_and_the_next_one_is_done(at, run, monkeypatch):
    monkeypatch.setattr(Quick, "write", lambda *_: 1 / 0)
    failed, done = at.ask(run, TARGETS["quick"]), at.ask(run, TARGETS["note"])
    wait_for(lambda: done.written and not done.is_asked, seconds=20)
    assert failed.failure[0] == "An unexpected error ended the handover." and not failed.is_asked
