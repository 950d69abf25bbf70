import _thread
import json
import os
import re
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from finetune.commands import progress, training
from finetune.recipe import Recipe
from finetune.runs.events import Ended
from finetune.training import distributed, train
from finetune.training.prepare import prepare
from tests.hub_stub import Repo

STEPPED = re.compile(r"Training\s+\d+ % .* step [1-8] of 8, loss \d+\.\d{3}, [\d,]+ tokens/s")
"""A live line after the first step."""


def test_a_recipe_trains_and_the_last_line_is_the_runs_state(command, recipe_file):
    code, out, _ = command("train", recipe_file, "--json")
    run = json.loads(out)
    assert code == 0 and run["state"] == "done" and run["percent"] == 100 and run["step"] == 8
    assert [listed["run"] for listed in json.loads(command("runs", "--json")[1])["runs"]] == [run["run"]]


def test_settings_can_be_replaced(command, recipe_file):
    code, _, error = command("train", recipe_file, "--set", "method.type=dpo")
    assert code == 2 and "DPO trains on pairs of answers, and these rows are" in error
    code, out, _ = command("train", recipe_file, "--set", "training.max_steps=2")
    assert code == 0 and out.splitlines()[-1] == "001-sft-lora done"


def test_a_run_that_was_paused_is_resumed(command, recipe_file, with_tiny):
    run = with_tiny.create(Recipe.load(recipe_file))
    run.ask("pause")
    code, out, error = command("resume", run.id)
    assert code == 0 and out.splitlines()[-1] == f"{run.id} paused"
    code, out, error = command("resume", "1")
    assert code == 0 and out.splitlines()[-1] == f"{run.id} done"
    assert error.splitlines()[0] == f"Resuming {run.id} …"
    code, _, error = command("resume", "1")
    assert code == 2 and "is finished" in error


def test_a_recipe_with_lists_trains_every_combination_and_ends_with_a_table(command, recipe_file):
    code, out, error = command("train", recipe_file, "--set", "adapter.rank=[1, 2]", "--set", "training.max_steps=2")
    assert code == 0 and out.startswith("run") and "rank 2" in out and " *" in out and "held-out" in out
    announced = [line for line in error.splitlines() if line.startswith("Training 0")]
    assert [re.search(r"\((.+)\)", line)[1] for line in announced] == ["1 of 2", "2 of 2"]

    facts = json.loads(command("compare", "1", "2", "--json")[1])
    assert [run["differs"] for run in facts["runs"]] == [{"adapter.rank": 1}, {"adapter.rank": 2}]
    assert all(run["state"] == "done" and run["diagnosis"]["words"] and run["best_loss"] for run in facts["runs"])


def test_a_sweep_is_checked_whole_before_anything_is_trained(command, recipe_file):
    code, _, error = command("train", recipe_file, "--set", "training.epochs=[1, -1]")
    assert code == 2 and "training.epochs" in error
    code, _, error = command("train", recipe_file, "--set", "method.type=[sft, dpo]")
    assert code == 2 and "DPO trains on pairs of answers" in error
    assert json.loads(command("runs", "--json")[1]) == {"runs": []}


def test_several_processes_refuse_a_sweep(command, recipe_file, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, error = command("train", recipe_file, "--set", "adapter.rank=[1, 2]")
    assert code == 2 and "by one process" in error


@pytest.mark.parametrize(("ended", "code"), [("done", 0), ("paused", 0), ("failed", 1), ("gpu", 75)])
def test_the_exit_code_says_how_a_run_ended(ended, code, command, recipe_file, monkeypatch):
    event = Ended(state="failed", code="gpu", message="Lost.") if ended == "gpu" else Ended(state=ended)
    monkeypatch.setattr("finetune.service.worker.work", lambda run, workspace: run.emit(event))
    found, out, _ = command("train", recipe_file)
    assert found == code and out.splitlines()[-1] == f"001-sft-lora {event.state}"
    assert command("train", recipe_file, "--set", "adapter.rank=[1, 2]")[0] == code


def test_in_a_pipe_progress_is_plain_lines(command, recipe_file, monkeypatch):
    monkeypatch.setattr(progress, "FOLLOW_S", 0.01)
    monkeypatch.setattr(progress.PlainLines, "every_s", 0.0)
    # A few rows are tokenized between two looks.
    monkeypatch.setattr(train, "prepare", lambda *given: time.sleep(0.1) or prepare(*given))
    _, out, error = command("train", recipe_file, "--set", "training.max_steps=60")
    lines = error.splitlines()
    assert lines[0] == "Training 001-sft-lora …" and "\r" not in error and out == "001-sft-lora done\n"
    phases = list(dict.fromkeys(line.partition(":")[0] for line in lines[1:]))
    assert set(phases) >= {"Loading the model", "Tokenizing the data", "Training", "Done"}
    assert re.fullmatch(r"Done: step 60 of 60, loss \d+\.\d{3}, [\d,]+ tokens/s", lines[-1])
    assert any(re.match(r"Training: step \d+ of 60, loss .+ left", line) for line in lines)


def test_ctrl_c_ends_a_download_at_once_and_the_run_can_be_resumed(serve, files, command, recipe_file, with_tiny):
    asked = []

    def interrupt() -> None:
        while not any(run.view().fetched and run.view().fetched.done_bytes for run in with_tiny.runs()):
            time.sleep(0.05)
        asked.append(time.monotonic())
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt, daemon=True)
    settings = ("--set", "model.id=me/model", "--set", "training.max_steps=1")
    with serve(Repo(files, pause_s=1.0)) as hub:
        thread.start()
        code, out, error = command("train", recipe_file, *settings)
        assert code == 130 and time.monotonic() - asked[0] < 5 and out == ""
        lines = error.splitlines()
        assert re.fullmatch(
            r"Downloading the model: \d+( bytes)? of 180 kB.*", next(line for line in lines if "kB" in line)
        )
        assert lines[-1] == "001-sft-lora interrupted. Continue it with: python -m finetune resume 1"
        hub.repos["me/model"].pause_s = 0.0
        assert command("resume", "1")[1] == "001-sft-lora done\n"
    assert sorted(start for name, start, _ in hub.sent if name == "model.safetensors")[-1] > 0


def test_a_plain_line_comes_every_few_seconds_only(command, recipe_file):
    error = command("train", recipe_file)[2]
    assert len(error.splitlines()) < 20 and error.splitlines()[-1].startswith("Done: step 8 of 8, loss ")


@pytest.mark.parametrize("settings", [(), ("--set", "adapter.rank=[1, 2]")])
def test_with_json_stderr_is_silent(settings, command, recipe_file):
    code, out, error = command("train", recipe_file, "--json", "--set", "training.max_steps=1", *settings)
    assert code == 0 and json.loads(out) and error == ""


def test_with_json_an_error_is_still_said(command, recipe_file):
    code, out, error = command("train", recipe_file, "--json", "--set", "training.epochs=-1")
    assert code == 2 and out == "" and "training.epochs: " in error and "Training 0" not in error


def test_a_process_that_another_one_started_leaves_progress_to_it(command, recipe_file, monkeypatch):
    monkeypatch.setenv(distributed.OWNER, str(os.getpid()))
    error = command("train", recipe_file, "--set", "training.max_steps=1")[2]
    assert error == "Training 001-sft-lora …\n"


@contextmanager
def terminal(monkeypatch):
    """Meanwhile stderr is a pseudo-terminal; gives the blocks of bytes that it was sent, all of them at the end."""
    reader, writer = os.openpty()
    written = []

    def read() -> None:
        with suppress(OSError):  # Linux says so that the other end is closed
            while block := os.read(reader, 65536):
                written.append(block)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    with os.fdopen(writer, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        yield written
    thread.join(timeout=10)
    os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_one_line_shows_step_and_loss(command, recipe_file, monkeypatch):
    monkeypatch.setattr(progress, "FOLLOW_S", 0.01)
    monkeypatch.setattr(progress.LiveLine, "every_s", 0.0)
    monkeypatch.setattr(progress, "columns", lambda: 100)
    with terminal(monkeypatch) as written:
        assert sys.stderr.isatty()
        code, out, _ = command("train", recipe_file)
    assert code == 0 and out == "001-sft-lora done\n"
    first, live, *rest = b"".join(written).decode().split("\n")
    assert first.rstrip() == "Training 001-sft-lora …" and not "".join(rest).strip(), "it is one line, drawn again"
    drawn = [each for each in live.split("\r") if each.strip()]
    assert any(STEPPED.match(each) for each in drawn), drawn
    assert any(each.startswith("Loading the model") for each in drawn)
    assert drawn[-1].startswith("Done 100 %") and "step 8 of 8, loss " in drawn[-1]
    assert all(len(each) <= 100 for each in drawn)


def test_every_command_of_this_file_is_quiet_where_it_should_be(monkeypatch):
    def quiet(json: bool) -> bool:
        return training._is_quiet(type("Options", (), {"json": json}))

    monkeypatch.delenv(distributed.OWNER, raising=False)
    assert quiet(True) and not quiet(False)
    monkeypatch.setenv("RANK", "1")
    assert quiet(False)
