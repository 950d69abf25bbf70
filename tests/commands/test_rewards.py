import json

from tests.inference.test_endpoint import serving
from tests.training.test_train import recipe


def test_what_the_base_earns_is_printed(command, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe(tmp_path, "grpo").to_yaml(), encoding="utf-8")
    code, out, _ = command("rewards", path, "--json")
    facts = json.loads(out)
    assert code == 0 and len(facts["groups"]) == 5 and 0 <= facts["mean"] <= 1
    code, out, _ = command("rewards", path)
    assert code == 0 and out.startswith("The base earns ") and "[expected: " in out
    code, _, error = command("rewards", path, "--set", "method.type=sft")
    assert code == 2


def test_pairs_are_made_from_prompts_and_a_judge(command, tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("\n".join(json.dumps({"prompt": f"What of {n}?"}) for n in range(6)), encoding="utf-8")
    to = tmp_path / "pairs.jsonl"

    def shorter(prompt, count):
        first, _, second = prompt.partition("Answer A:\n")[2].partition("\n\nAnswer B:\n")
        return "A" if len(first) < len(second.partition("\n\nWhich")[0]) else "B"

    with serving(shorter) as (address, _):
        words = ("prefer", prompts, "--to", to, "--judge", "big", "--endpoint", address, "--model", "tiny")
        code, out, error = command(*words, "--max-tokens", 12, "--criteria", "Short is good.", "--json")
    facts = json.loads(out)
    rows = [json.loads(line) for line in to.read_text(encoding="utf-8").splitlines()]
    assert code == 0 and len(rows) == facts["pairs"] and facts["pairs"] + facts["alike"] + facts["undecided"] == 6
    assert rows and all(len(row["chosen"][0]["content"]) <= len(row["rejected"][0]["content"]) for row in rows)
    assert len((tmp_path / "pairs.judgements.jsonl").read_text(encoding="utf-8").splitlines()) == 2 * (
        6 - facts["alike"]
    )
    code, _, error = command(*words)
    assert code == 2 and "already exists" in error
    code, out, _ = command("check", to, "--json")
    assert code == 0 and json.loads(out)["format"] == "preference"
