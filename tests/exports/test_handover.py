"""A handover stands in the run directory: asked for, written, checked, or failed in words."""

import pytest

from finetune.errors import RecipeError, RunError
from finetune.exports import TARGETS
from finetune.exports.handover import Handover, options_of
from finetune.exports.target import Exported, Target, Work
from finetune.settings import Settings


class Options(Settings):
    letter: str = "a"
    """Which letter."""


class Letter(Target):
    name = "letter"
    words = "a letter"
    title = "Letter"
    purpose = "A letter."
    options = Options
    answers = False

    def write(self, run, workspace, to, options=None, work=Work()):
        to.mkdir(parents=True)
        (to / "letter.txt").write_text(options.letter)
        return Exported(to / "letter.txt", "It is a letter.", "https://example.org/letter")


def test_what_was_asked_for_is_written_with_its_options(finished, workspace):
    handover = Handover(finished, Letter()).ask(Options(letter="b"))
    assert handover.is_asked and handover.written is None
    handover.put(workspace, Work())
    again = Handover(workspace.run(finished.id), Letter())
    assert again.exported.path.read_text() == "b" and again.exported[1:] == (
        "It is a letter.",
        "https://example.org/letter",
    )
    assert again.written.options == {"letter": "b"} and again.parity is None
    again.check(workspace)
    assert again.parity is None


def test_a_second_one_takes_the_place_of_the_first(finished, workspace):
    handover = Handover(finished, Letter())
    for letter in "bc":
        handover.ask(Options(letter=letter)).put(workspace, Work())
    assert handover.exported.path.read_text() == "c" and [each.name for each in handover.files.iterdir()] == [
        "letter.txt"
    ]


def test_the_first_one_stays_if_the_second_fails(finished, workspace, monkeypatch):
    handover = Handover(finished, Letter())
    handover.ask(Options(letter="b")).put(workspace, Work())

    def fail(self, run, workspace, to, *_):
        to.mkdir(parents=True)
        (to / "half").touch()
        raise RunError("The disk is full.")

    monkeypatch.setattr(Letter, "write", fail)
    with pytest.raises(RunError, match="disk is full"):
        handover.ask(Options(letter="c")).put(workspace, Work())
    assert handover.exported.path.read_text() == "b" and not (handover.folder / "unfinished").exists()
    monkeypatch.undo()
    handover.ask(Options(letter="d")).put(workspace, Work())
    assert handover.exported.path.read_text() == "d" and not (handover.folder / "unfinished").exists()


def test_a_run_that_cannot_leave_so_is_not_asked_for(run):
    with pytest.raises(RunError, match="has no tuned model yet"):
        Handover(run, TARGETS["adapter"]).ask()
    assert not (run.path / "exports").exists()


def test_options_that_do_not_exist_are_refused():
    assert options_of(Letter(), {"letter": "z"}).letter == "z"
    with pytest.raises(RecipeError) as refused:
        options_of(Letter(), {"colour": "red"})
    assert "colour" in str(refused.value)
