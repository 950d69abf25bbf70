"""Names, columns and answers with control characters, in every command, as a terminal would get them."""

import json
import re

import pytest

from finetune.recipe import Recipe

ODD = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\u2066\r\x08b"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]")
RECIPE = {
    "model": {"id": "tiny"},
    "method": {"type": "sft"},
    "training": {"max_steps": 2, "batch_size": 2, "length": 200},
    "evaluation": {"times": 1, "max_tokens": 4, "score_rows": 0},
}


@pytest.fixture
def data(tmp_path):
    """A file with an odd name, odd columns and odd rows."""
    folder = tmp_path / "odd"
    folder.mkdir()
    path = folder / f"{ODD}.jsonl"
    rows = [{"prompt": f"{ODD} {n}?", "completion": f"{ODD} {n}", f"x{ODD}": n} for n in range(20)]
    path.write_text("\n".join([*map(json.dumps, rows), f'{{"prompt": "{n}"' if (n := 1) else ""]))
    return path


@pytest.mark.threat("S13")
def test_no_command_prints_what_a_terminal_obeys(data, tmp_path, command):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(Recipe.from_dict({**RECIPE, "name": ODD, "data": {"path": str(data)}}).to_yaml())
    commands = [
        ("train", recipe),
        ("runs",),
        ("show", "1"),
        ("compare", "1"),
        ("check", data, "--model", "tiny"),
        ("check", tmp_path / f"{ODD}.csv"),
        ("chat", "1", "--prompt", ODD, "--max-tokens", "4"),
        ("report", "1", "--to", tmp_path / f"{ODD}.html"),
        ("export", "1", "--to", tmp_path / f"{ODD}"),
        ("show", ODD),
        ("train", tmp_path / f"{ODD}.yaml"),
        ("train", recipe, "--set", f"model.id={ODD}"),
        ("train", recipe, "--set", f"{ODD}=1"),
        ("delete", ODD),
    ]
    seen = []
    for words in commands:
        for _, out, err in (command(*words), command(*words, "--json")):
            assert OBEYED.findall(out + err.replace("\r", "")) == [], words
            seen.append(out + err)
    assert any("\\x1b" in each for each in seen) and any("\\u001b" in each for each in seen)
