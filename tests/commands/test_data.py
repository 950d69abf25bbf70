import json

import pytest

from finetune.commands import progress
from tests.hub_stub import Repo
from tests.training.test_train import write_rows


def test_a_file_is_checked(command, tmp_path):
    code, out, error = command("check", write_rows(tmp_path), "--model", "tiny", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["rows"] == 24 and facts["rejected"] == []
    assert set(facts) >= {"format", "rows", "kept", "rejected", "truncated", "tokens", "findings", "advice"}
    assert error == ""


def test_a_file_that_is_checked_soon_shows_no_progress(command, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.commands.data.PATIENCE_S", 60.0)
    code, out, error = command("check", write_rows(tmp_path), "--model", "tiny")
    assert code == 0 and "rows: 24" in out and error == ""


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_large_file_shows_what_share_is_read_and_checked(words, command, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.commands.data.PATIENCE_S", 0.0)
    monkeypatch.setattr(progress.PlainLines, "every_s", 0.0)
    code, _, error = command("check", write_rows(tmp_path), "--model", "tiny", *words)
    lines = (
        []
        if words
        else ["Inspecting the model", "Reading the file: 100 %", "Loading the tokenizer", "Checking the rows: 0 %"]
    )
    assert code == 0 and list(dict.fromkeys(error.splitlines())) == lines


def test_progress_ends_before_the_error_is_printed(command, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.commands.data.PATIENCE_S", 0.0)
    code, out, error = command("check", write_rows(tmp_path), "--model", "nowhere")
    *shown, said = error.splitlines()
    assert code == 2 and out == "" and shown[-1] == "Inspecting the model" and said.startswith("There is no model")


def test_how_a_file_is_read_can_be_set(command, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"prompt": "Où?", "completion": "Là-bas."}\n'.encode("latin-1"))
    code, out, _ = command("check", path, "--model", "tiny", "--set", "encoding=latin-1")
    assert code == 0 and "rows: 1" in out


def test_what_is_not_used_and_what_is_not_certain_is_said(command, tmp_path):
    path = tmp_path / "rows.jsonl"
    row = {"prompt": "Why is it?", "response": "It is so.", "score": 3.5, "remark": "A remark of several words here."}
    path.write_text("\n".join(json.dumps({**row, "score": n}) for n in range(6)))
    code, out, _ = command("check", path, "--model", "tiny")
    lines = out.splitlines()
    assert code == 0 and 'columns: prompt = "prompt", completion = "response"' in lines
    assert 'not used: "score", "remark"' in lines
    assert any(line.startswith("question: It is not certain what the rows mean (") for line in lines)
    facts = json.loads(command("check", path, "--model", "tiny", "--json")[1])
    assert facts["columns"] == {"prompt": "prompt", "completion": "response"} and not facts["is_sure"]
    assert facts["unused"] == ["score", "remark"] and facts["confidence"] < 0.9 and facts["reason"] and facts["notes"]
    out = command("check", path, "--model", "tiny", "--set", "format=prompt_completion")[1]
    assert "format: prompt_completion (Prompts and completions, as you chose)" in out and "question: " not in out


def test_a_file_is_checked_with_the_tokenizer_of_a_model_on_the_hub_and_without_its_weights(
    command, tmp_path, serve, files
):
    with serve(Repo(files)) as hub:
        code, out, _ = command("check", write_rows(tmp_path), "--model", "me/model", "--json")
    assert code == 0 and json.loads(out) == json.loads(
        command("check", write_rows(tmp_path), "--model", "tiny", "--json")[1]
    )
    assert hub.bytes_of("model.safetensors") < len(files["model.safetensors"])
    code, out, error = command("check", write_rows(tmp_path), "--model", "me/other")
    assert code == 2 and out == "" and "me/other could not be looked up on the Hub" in error
