import json

import pytest

from finetune.evaluation.benchmarks import compared
from finetune.recipe import Recipe

FOUND = compared(
    "001-run",
    ["sums", "story"],
    {("sums", "acc"): [0.0] * 12, ("story", "word_perplexity"): [8.0, 9.5]},
    {("sums", "acc"): [1.0] * 12, ("story", "word_perplexity"): [8.0, 9.5]},
)


@pytest.fixture
def harness(monkeypatch):
    """The harness as if it were installed; gives what it was asked."""
    asked = []
    monkeypatch.setattr("finetune.evaluation.benchmarks.find_spec", lambda name: True)
    monkeypatch.setattr("finetune.evaluation.benchmarks.benchmark", lambda *given: asked.append(given) or FOUND)
    return asked


def test_without_the_harness_it_says_what_to_install(command, monkeypatch):
    monkeypatch.setattr("finetune.evaluation.benchmarks.find_spec", lambda name: None)
    code, _, error = command("benchmark", "1", "--tasks", "piqa")
    assert code == 2 and "pip install lm_eval" in error


def test_base_and_tuned_are_printed_side_by_side(command, with_tiny, harness):
    with_tiny.create(Recipe.from_dict({"data": {"path": "rows.jsonl"}}))
    code, out, _ = command("benchmark", "1", "--tasks", "sums, story", "--limit", "5", "--chat")
    assert code == 0 and "0 % ->    100 %  better" in out and "8.75 ->     8.75  no clear difference" in out
    assert harness[0][2:] == (["sums", "story"], None, 5, True)
    found = json.loads(command("benchmark", "1", "--task-dir", "mine", "--json")[1])
    assert found["results"][0]["score"]["tuned"]["value"] == 1.0 and str(harness[1][3]) == "mine"
