import io
import re
import sys
import time

import pytest

from finetune.commands import progress
from finetune.commands.progress import LiveLine, PlainLines, Progress, Status, columns, following, shown, status_of
from finetune.recipe import Recipe
from finetune.runs.events import Ended, Entered, Fetched, Planned, Started, Stepped
from finetune.runs.view import View, fold

PLANNED = Planned(
    total_steps=2000, train_rows=22, held_out_rows=2, trained_tokens=300, parameters=90_000, trainable=4_000
)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch) -> Terminal:
    """A terminal in place of stderr; to be called in the test itself, since pytest sets stderr anew after fixtures."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def stepped(step: int, **values) -> Stepped:
    return Stepped(step=step, epoch=0.1, loss=2.34567, learning_rate=1e-3, **values)


def test_before_the_steps_are_planned_a_line_says_the_phase_and_for_how_long():
    assert status_of(View()) == Status("Starting")
    began = Started(device="CPU", at=100.0)
    assert status_of(fold([began]), now=103.0) == Status("Preparing", None, ("3 s",))
    assert status_of(fold([began, Entered(phase="loading")]), now=190.0) == Status(
        "Loading the model", None, ("1 min 30 s",)
    )
    assert status_of(fold([began, Ended(state="failed", at=101.0)]), now=190.0) == Status("Failed")


def test_a_line_says_how_much_of_the_model_is_here_how_fast_it_comes_and_how_long_it_takes():
    begun = [Started(device="CPU"), Entered(phase="downloading")]
    part = Fetched(done_bytes=2 * 2**30, total_bytes=16 * 2**30, bytes_per_s=40 * 2**20)
    figures = ("2.0 of 16 GB", "40 MB/s", "5 min 58 s left")
    assert status_of(fold([*begun, part])) == Status("Downloading the model", 0.125, figures)
    assert status_of(fold([*begun, Fetched(done_bytes=0, total_bytes=2**20)])).figures == ("0 bytes of 1.0 MB",)
    assert status_of(fold([*begun, part, Entered(phase="loading")])).phase == "Loading the model"


def test_a_line_says_step_loss_speed_and_time_left():
    events = [Started(device="CPU"), Entered(phase="training"), PLANNED]
    assert status_of(fold(events)) == Status("Training", 0.0, ("step 0 of 2,000",))
    found = status_of(fold([*events, stepped(500, tokens_per_s=1234.4, elapsed_s=20.0)]))
    assert found == Status("Training", 0.25, ("step 500 of 2,000", "loss 2.346", "1,234 tokens/s", "1 min left"))
    assert status_of(fold([*events, stepped(1, elapsed_s=1.0), Ended(state="stopped")])).phase == "Stopped"


def test_a_run_that_was_asked_to_end_is_stopping():
    view = fold([Started(device="CPU"), Entered(phase="training"), PLANNED])
    view.state = "stopping"
    assert status_of(view).phase == "Stopping"


def test_a_plain_line_for_each_phase_and_one_now_and_then(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    lines = PlainLines()
    for second, given in enumerate([("Reading", 0.1), ("Reading", 0.2), ("Checking", 0.0), ("Checking", 0.5)]):
        clock[0] = 100.0 + second
        lines.show(Status(*given))
    clock[0] = 110.0
    lines.show(Status("Checking", 0.75))
    lines.show(Status("Checking", 1.0))
    lines.close()
    lines.close()
    shown = ["Reading: 10 %", "Checking: 0 %", "Checking: 75 %", "Checking: 100 %"]
    assert capsys.readouterr().err.splitlines() == shown


def test_nothing_is_shown_of_what_is_soon_done(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    lines = PlainLines(after_s=1.0)
    lines.show(Status("Reading", 1.0))
    lines.close()
    assert capsys.readouterr().err == ""
    clock[0] = 101.0
    lines.show(Status("Checking"))
    assert capsys.readouterr().err == "Checking\n"


def test_stderr_decides_how_it_is_shown(monkeypatch):
    terminal(monkeypatch)
    assert type(shown(quiet=True)) is Progress and type(shown(quiet=False)) is LiveLine
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(shown(quiet=False)) is PlainLines


def test_quiet_progress_writes_nothing(capsys):
    quiet = Progress()
    quiet.show(Status("Training", 0.5))
    quiet.close()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stays", [True, False])
def test_a_live_line_is_drawn_again_in_its_place(monkeypatch, stays):
    stderr = terminal(monkeypatch)
    monkeypatch.setattr(progress, "columns", lambda: 50)
    monkeypatch.setattr(LiveLine, "every_s", 0.0)
    line = LiveLine(stays=stays)
    line.show(Status("Loading", None, ("3 s",)))
    line.show(Status("Training", 0.5, ("step 1 of 2", "loss {x}")))
    line.close()
    drawn = [each for each in stderr.getvalue().split("\r") if each.strip()]
    assert drawn[0].strip() == "Loading 3 s"
    assert re.fullmatch(r"Training  50 % \S+ +step 1 of 2, loss \{x\}\s*", drawn[1])
    assert stderr.getvalue().endswith("\n") == stays
    assert all(len(each.rstrip("\n")) <= 50 for each in drawn)


def test_a_line_fits_a_narrow_terminal(monkeypatch):
    stderr = terminal(monkeypatch)
    monkeypatch.setattr(progress, "columns", lambda: 20)
    line = LiveLine()
    line.show(Status("Training", 0.5, ("step 1 of 2", "loss 2.000", "12 tokens/s")))
    assert all(len(each) <= 20 for each in stderr.getvalue().split("\r"))


def test_the_width_is_that_of_the_terminal_or_80(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert columns() == 80
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    monkeypatch.setattr("os.get_terminal_size", lambda _: type("Size", (), {"columns": 132}))
    assert columns() == 132
    monkeypatch.setattr("os.get_terminal_size", lambda _: type("Size", (), {"columns": 0}))
    assert columns() == 80


def test_a_run_is_followed_by_its_events(with_tiny, recipe_file, capsys, monkeypatch):
    monkeypatch.setattr(progress, "FOLLOW_S", 0.01)
    run = with_tiny.create(Recipe.load(recipe_file))
    with following(run), run.held():
        for event in (Started(device="CPU"), Entered(phase="training"), PLANNED, stepped(2000), Ended(state="done")):
            run.emit(event)
    assert capsys.readouterr().err.splitlines()[-1] == "Done: step 2,000 of 2,000, loss 2.346"
    with following(run, quiet=True):
        pass
    assert capsys.readouterr().err == ""


def test_progress_that_nobody_can_read_stops_no_run(with_tiny, recipe_file, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    with following(with_tiny.create(Recipe.load(recipe_file))) as followed:
        time.sleep(0.05)
    assert followed is None


def test_an_error_in_the_run_ends_the_following(with_tiny, recipe_file, capsys):
    with pytest.raises(KeyboardInterrupt), following(with_tiny.create(Recipe.load(recipe_file))):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "Starting\n"
