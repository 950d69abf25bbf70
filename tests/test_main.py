"""The command line, as a script would use it."""

import json
from types import SimpleNamespace

import pytest

from finetune.__main__ import main, parser
from finetune.recipe import Recipe
from finetune.runs.events import Started
from tests.training.test_train import recipe, write_rows


@pytest.fixture
def command(with_tiny, monkeypatch, capsys):
    """Runs one command in the workspace; returns exit code, stdout and stderr."""
    monkeypatch.setenv("FINETUNE_HOME", str(with_tiny.path))

    def run_it(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_it


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe(tmp_path).to_yaml())
    return path


def test_a_recipe_trains_and_is_asked(command, recipe_file, tmp_path):
    code, out, _ = command("train", recipe_file, "--json")
    run = json.loads(out)
    assert code == 0 and run["state"] == "done" and run["percent"] == 100

    code, out, _ = command("runs", "--json")
    assert [listed["run"] for listed in json.loads(out)["runs"]] == [run["run"]]

    code, out, _ = command("show", "1", "--json")
    assert code == 0 and json.loads(out)["step"] == 8

    code, out, _ = command("chat", "1", "--prompt", "What of the sea?", "--greedy", "--max-tokens", "5", "--json")
    assert code == 0 and set(json.loads(out)) == {"base", "tuned", "tokens_per_s"}

    code, out, _ = command("export", "1", "--to", tmp_path / "out")
    assert code == 0 and out.strip().endswith(".zip")
    code, out, _ = command("export", "1", "--to", tmp_path / "out", "--as", "merged", "--json")
    assert code == 0 and "merged into the base" in json.loads(out)["note"]
    code, out, _ = command("export", "1", "--to", tmp_path / "out", "--as", "script")
    assert code == 0 and out.strip() == str(tmp_path / "out" / run["run"] / "train.py")
    code, _, error = command("export", "1", "--to", tmp_path / "out", "--as", "script")
    assert code == 2 and "is there already" in error


def test_settings_can_be_replaced(command, recipe_file, tmp_path):
    code, _, error = command("train", recipe_file, "--set", "method.type=dpo")
    assert code == 2 and "DPO cannot learn from these rows" in error
    code, out, _ = command("train", recipe_file, "--set", "training.max_steps=2")
    assert code == 0 and out.splitlines()[-1] == "001-sft-lora done"


def test_a_recipe_with_lists_trains_every_combination_and_ends_with_a_table(command, recipe_file):
    code, out, _ = command(
        "train", recipe_file, "--set", "adapter.rank=[1, 2]", "--set", "training.max_steps=2", "--json"
    )
    facts = json.loads(out)
    assert code == 0 and [run["differs"] for run in facts["runs"]] == [{"adapter.rank": 1}, {"adapter.rank": 2}]
    assert all(run["state"] == "done" and run["diagnosis"]["words"] and run["best_loss"] for run in facts["runs"])

    code, out, _ = command("compare", "1", "2")
    assert code == 0 and out.startswith("run")
    assert "rank 2" in out and " *" in out and "never learnt from" in out


def test_a_sweep_is_checked_whole_before_anything_is_trained(command, recipe_file):
    code, _, error = command("train", recipe_file, "--set", "training.epochs=[1, -1]")
    assert code == 2 and "training.epochs" in error
    code, _, error = command("train", recipe_file, "--set", "method.type=[sft, dpo]")
    assert code == 2 and "DPO cannot learn" in error
    assert json.loads(command("runs", "--json")[1]) == {"runs": []}


def test_several_processes_refuse_a_sweep(command, recipe_file, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, error = command("train", recipe_file, "--set", "adapter.rank=[1, 2]")
    assert code == 2 and "by one process" in error


def test_a_file_is_checked(command, tmp_path):
    code, out, _ = command("check", write_rows(tmp_path), "--model", "tiny", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["rows"] == 24 and facts["rejected"] == []
    assert set(facts) >= {"format", "rows", "kept", "rejected", "truncated", "tokens", "findings", "advice"}


def test_a_recipe_is_fitted(command, recipe_file):
    code, out, _ = command("fit", recipe_file, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["fits"] and facts["trainable"] < facts["parameters"]
    assert facts["change"] == {} and facts["measured_bytes"] is None and facts["gpus"]["8 GB"] == "fits"


def test_what_would_make_it_fit_is_printed_as_options(command, recipe_file, monkeypatch):
    monkeypatch.setattr("finetune.fit.estimate.BUFFERS_BYTES", 0)
    needed = json.loads(command("fit", recipe_file, "--json")[1])["estimate_bytes"]
    monkeypatch.setattr("finetune.machine.hardware.free_bytes", lambda machine: needed)
    code, out, _ = command("fit", recipe_file)
    (line,) = [line.strip() for line in out.splitlines() if "--set" in line]
    assert code == 0 and line.startswith("--set training.accumulation=")
    assert json.loads(command("fit", recipe_file, "--json", *line.split())[1])["fits"]


def test_a_step_is_measured_on_request(command, recipe_file):
    code, out, _ = command("fit", recipe_file, "--measure", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["measured_bytes"] > 10**7 and 0 < facts["seconds_per_step"] < facts["eta_s"]


@pytest.mark.parametrize(
    "words",
    [
        ("show", "9"),
        ("stop", "none"),
        ("delete", "9"),
        ("compare", "1", "9"),
        ("train", "missing.yaml"),
        ("check", "missing.csv"),
        ("chat", "1", "--prompt", "x"),
    ],
)
def test_what_is_not_there_is_a_sentence_and_exit_code_2(command, words):
    code, out, error = command(*words)
    assert code == 2 and out == ""
    assert error.strip() and "Traceback" not in error


@pytest.mark.parametrize("at", ["load", "reply"])
@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered"), 75, "The graphics card stopped working"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 1, "There was not enough memory"),
        (MemoryError(), 1, "There was not enough memory"),
    ],
)
def test_a_device_that_gives_out_in_an_answer_is_one_sentence(
    command, recipe_file, with_tiny, monkeypatch, at, raised, code, words
):
    def fail(*_, **__):
        raise raised

    run = with_tiny.create(Recipe.load(recipe_file))
    monkeypatch.setattr(
        "finetune.inference.chat.Pair.load", fail if at == "load" else lambda *_: SimpleNamespace(reply=fail)
    )
    said = command("chat", run.id, "--prompt", "x")
    assert said[:2] == (code, "")
    assert said[2].startswith(words) and said[2].count("\n") == 1


def test_an_error_that_is_a_bug_keeps_its_traceback(command, recipe_file, with_tiny, monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("finetune.inference.chat.Pair.load", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        command("chat", with_tiny.create(Recipe.load(recipe_file)).id, "--prompt", "x")


def test_a_finished_run_cannot_be_stopped(command, recipe_file):
    command("train", recipe_file, "--set", "training.max_steps=1")
    code, _, error = command("stop", "1")
    assert code == 2 and "not running" in error


def test_a_run_that_ended_is_deleted_and_one_at_work_or_in_line_is_not(command, recipe_file, with_tiny):
    command("train", recipe_file, "--set", "training.max_steps=1")
    run = with_tiny.run("1")
    code, out, _ = command("delete", "1", "--json")
    assert code == 0 and json.loads(out) == {"run": run.id, "state": "deleted"}
    assert not run.path.exists() and not [*with_tiny.runs_dir.glob(".trash-*")]

    other = with_tiny.create(Recipe.load(recipe_file))
    assert other.number == 2, "a number is not given twice"
    code, out, error = command("delete", "2")
    assert code == 2 and out == "" and "has not ended" in error
    with other.held():
        other.emit(Started(device="CPU"))
        code, _, error = command("delete", other.id)
    assert code == 2 and "has not ended" in error and other.path.exists()


def test_every_command_explains_itself():
    text = parser().format_help()
    commands = ("check", "train", "runs", "show", "stop", "delete", "compare", "chat", "fit", "export")
    assert all(name in text for name in commands)
