"""The command line, as a script would use it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from finetune.__main__ import parser
from finetune.recipe import Recipe


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
        (RuntimeError("CUDA error: an illegal memory access was encountered"), 75, "The GPU stopped working"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 1, "The machine ran out of memory"),
        (MemoryError(), 1, "The machine ran out of memory"),
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


def test_a_place_that_cannot_be_written_is_a_sentence(command, write_run, monkeypatch):
    def fail(*_):
        Path("/proc/none/x").read_text()

    monkeypatch.setattr("finetune.commands.runs.comparison", fail)
    code, out, error = command("compare", write_run().id)
    assert (code, out) == (2, "") and error.startswith("/proc/none/x cannot be read or written: No such file")


def test_an_error_of_no_file_keeps_its_traceback(command, write_run, monkeypatch):
    def fail(*_):
        raise ConnectionResetError("gone")

    monkeypatch.setattr("finetune.commands.runs.comparison", fail)
    with pytest.raises(ConnectionResetError):
        command("compare", write_run().id)


def test_an_error_that_is_a_bug_keeps_its_traceback(command, recipe_file, with_tiny, monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("finetune.inference.chat.Pair.load", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        command("chat", with_tiny.create(Recipe.load(recipe_file)).id, "--prompt", "x")


def test_every_command_explains_itself(capsys):
    text = parser().format_help()
    commands = (
        "check",
        "fit",
        "train",
        "resume",
        "runs",
        "show",
        "stop",
        "pause",
        "delete",
        "compare",
        "chat",
        "export",
    )
    assert all(f"    {name} " in text for name in commands)
    for name in commands:
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([name, "--help"])
        assert ended.value.code == 0 and "--json" in capsys.readouterr().out


@pytest.mark.parametrize("words", [(), ("trian",), ("train",), ("check", "a.csv", "--length", "many")])
def test_what_is_no_command_is_bad_input(words, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2 and "usage: python -m finetune" in capsys.readouterr().err
