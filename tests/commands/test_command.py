import argparse
import json

import pytest

from finetune.commands.command import Commands, answer, between, settings, take_settings, writing
from finetune.errors import FinetuneError


def test_a_command_has_its_help_its_function_and_json():
    top = argparse.ArgumentParser(prog="p")
    take_settings(Commands(top).add("train", max, "train a JSON recipe"), "replace a setting")
    options = top.parse_args(["train", "--json", "--set", "a=1", "--set", "b=2"])
    assert (options.command, options.work, options.json, options.set) == ("train", max, True, ["a=1", "b=2"])
    assert top.parse_args(["train"]).set == [] and not top.parse_args(["train"]).json
    assert "train a JSON recipe" in top.format_help()


def test_a_description_is_its_help_as_a_sentence():
    command = Commands(argparse.ArgumentParser()).add("check", max, "read a JSONL file")
    assert command.description == "Read a JSONL file."


def test_values_are_yaml_and_the_last_one_counts():
    assert settings(["a.b=2", "c=[1, x]", "d=", "a.b=x=y"]) == {"c": [1, "x"], "d": None, "a.b": "x=y"}
    assert list(settings(["a.b=1", "a={}", "a.b=2"])) == ["a", "a.b"], "each is put in after those before it"


@pytest.mark.parametrize(("text", "message"), [("epochs", "has no value"), ("epochs=[1", "is not YAML")])
def test_a_setting_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(FinetuneError, match=message) as caught:
        settings([text])
    assert "setting=value" in caught.value.hint


@pytest.mark.parametrize("as_json", [True, False])
def test_the_answer_is_json_or_lines(as_json, capsys):
    assert answer(argparse.Namespace(json=as_json), {"a": "é"}, ["one", "two"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": "é"} and "é" in out if as_json else out == "one\ntwo\n"


@pytest.mark.parametrize("text", ["0", "-1", "101", "x", "1.5", "nan", "9" * 5000])
def test_a_number_out_of_bounds_is_refused_with_them(text):
    assert between(1, 100)("100") == 100 and between(0, 2, float)("0.5") == 0.5
    with pytest.raises(argparse.ArgumentTypeError, match="is no number from 1 to 100"):
        between(1, 100)(text)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    to = tmp_path / "file" / "x.csv"
    with pytest.raises(FinetuneError, match=r"x\.csv cannot be written: .* Choose another file\."):
        with writing(to):
            to.parent.mkdir(parents=True, exist_ok=True)
