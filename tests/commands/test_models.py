import json

from finetune.errors import RunError
from finetune.exports import TARGETS
from finetune.inference.chat import Reply
from finetune.recipe import Recipe


def test_a_tuned_model_is_asked_and_exported(command, trained, tmp_path):
    run = trained(**{"training.max_steps": 1, "evaluation.times": 0})
    code, out, _ = command("chat", "1", "--prompt", "What of the sea?", "--greedy", "--max-tokens", "5", "--json")
    assert code == 0 and set(json.loads(out)) == {"base", "tuned", "tokens_per_s", "base_truncated", "tuned_truncated"}
    code, out, _ = command("chat", "1", "--prompt", "What of the sea?", "--max-tokens", "5")
    assert code == 0 and out.startswith("base:  ") and "tuned: " in out

    assert "truncated at 5 tokens" in out

    code, out, _ = command("export", "1", "--to", tmp_path / "out")
    assert code == 0 and out.startswith("Parity check: passed.\n5 of 5 answers are the run's, token for token")
    assert out.strip().endswith(str(tmp_path / "out" / f"{run.id}.zip"))
    code, out, _ = command("export", "1", "--to", tmp_path / "out", "--as", "merged", "--json")
    assert code == 0 and "merged into the base" in json.loads(out)["note"]
    code, out, _ = command("export", "1", "--to", tmp_path / "out", "--as", "script")
    assert code == 0 and out.strip() == str(tmp_path / "out" / run.id / "train.py")
    code, _, error = command("export", "1", "--to", tmp_path / "out", "--as", "script")
    assert code == 2 and "already exists" in error


def test_what_cannot_be_checked_is_there_and_says_so(command, trained, tmp_path, monkeypatch):
    trained(**{"training.max_steps": 1, "evaluation.times": 0})

    def fail(*_):
        raise RunError("Nothing opens it.", "Install a reader.")

    monkeypatch.setattr("finetune.exports.parity.check", fail)
    code, out, _ = command("export", "1", "--to", tmp_path / "out")
    said, path = out.splitlines()
    assert code == 1 and said == "Parity check: not made. Nothing opens it. Install a reader."
    assert path.endswith(".zip") and list((tmp_path / "out").iterdir())


def test_the_question_comes_after_the_recipes_system_prompt_or_another(command, with_tiny, monkeypatch):
    asked = []

    class Parrot:
        def reply(self, base, tuned, sampling):
            asked.append(base)
            yield Reply("a", "b", 1, 1, 30.0, True)

    monkeypatch.setattr("finetune.inference.chat.Pair.load", lambda *_: Parrot())
    values = {"model": {"id": "tiny"}, "data": {"path": "x.jsonl", "system": "Be kind."}}
    with_tiny.create(Recipe.from_dict(values))
    for more in ((), ("--system", "Be brief."), ("--system", "")):
        assert command("chat", "1", "--prompt", "Hi", *more)[0] == 0
    assert [turns[0]["content"] for turns in asked] == ["Be kind.", "Be brief.", "Hi"]


def test_the_zip_is_that_of_the_page(command, trained, tmp_path):
    run = trained(**{"training.max_steps": 1, "evaluation.times": 0})
    command("export", run.id, "--to", tmp_path / "out")
    path, _, _ = TARGETS["adapter"].write(run, None, tmp_path)
    assert (tmp_path / "out" / f"{run.id}.zip").read_bytes() == path.read_bytes()
