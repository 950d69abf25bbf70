"""What the shipped samples promise: the starter learns each of them, and the base cannot do it before."""

import json
from dataclasses import dataclass

import pytest
import torch
from peft import PeftModel

from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.models.loading import load_base
from finetune.models.tokenizer import load_tokenizer
from finetune.paths import ASSETS
from finetune.recipe import Recipe
from finetune.runs.view import View
from finetune.service.worker import work
from finetune.starter.measure import answers
from finetune.starter.pirate import is_pirate

SAMPLES = ASSETS / "samples"


@dataclass
class Learnt:
    """A finished run on a sample, with what both models answer to its held-out prompts."""

    view: View
    prompts: list[list[dict]]
    wanted: list[str]
    base: list[str]
    tuned: list[str]


def learn(workspace, sample: str, method: str = "sft", adapter: str = "lora", **settings) -> Learnt:
    recipe = Recipe.from_dict(
        {
            "name": sample,
            "data": {"path": f"assets/samples/{sample}.jsonl"},
            "method": {"type": method},
            "adapter": {"type": adapter},
        }
    ).changed(**settings)
    run = workspace.create(recipe)
    work(run, workspace)
    view = run.view()
    assert view.state == "done", view.message
    rows = [json.loads(line) for line in (SAMPLES / f"{sample}.held-out.jsonl").read_text().splitlines()]
    prompts = [row["prompt"] if "prompt" in row else row["messages"][:-1] for row in rows]
    wanted = [(row["chosen"] if "chosen" in row else row["messages"])[-1]["content"] for row in rows]
    base, tokenizer = (
        load_base(recipe.model, workspace, recipe.adapter, torch.bfloat16),
        load_tokenizer(recipe.model, workspace),
    )
    before = said(base, tokenizer, prompts)
    after = said(PeftModel.from_pretrained(base, run.model_dir), tokenizer, prompts)
    return Learnt(view, prompts, wanted, before, after)


def said(model, tokenizer, prompts) -> list[str]:
    """The greedy answer to each prompt."""
    return [text for text, _ in answers(model.eval(), tokenizer, prompts)]


def share(flags) -> float:
    flags = list(flags)
    return sum(flags) / len(flags)


def test_pirate_voice_is_learnt_in_a_minute_and_a_half(workspace):
    trained = learn(workspace, "pirate-voice")
    assert share(map(is_pirate, trained.tuned)) >= 0.9
    assert share(map(is_pirate, trained.base)) == 0


@pytest.mark.heavy
@pytest.mark.parametrize("adapter", ["lora", "qlora"])
def test_tickets_become_exactly_the_right_json(workspace, adapter):
    trained = learn(workspace, "ticket-json", adapter=adapter)
    assert share(map(str.__eq__, trained.tuned, trained.wanted)) >= 0.9
    assert share(map(str.__eq__, trained.base, trained.wanted)) == 0


@pytest.mark.heavy
def test_preferences_are_learnt_and_answers_get_shorter(workspace):
    trained = learn(workspace, "short-and-kind", method="dpo")
    first, last = trained.view.evaluations[0], trained.view.evaluations[-1]
    assert first.metrics["accuracy"] == 0.5
    assert last.metrics["accuracy"] >= 0.9
    assert sum(map(len, trained.tuned)) < 0.8 * sum(map(len, trained.base))


def test_the_general_questions_are_short_unlike_and_balanced_over_their_topics():
    path = ASSETS / "general-knowledge.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    questions = [row["messages"][0]["content"] for row in rows]
    answers = [row["messages"][1]["content"] for row in rows]
    assert len(set(questions)) == len(rows) == 120
    assert all(1 <= len(answer.split()) <= 5 for answer in answers)
    for start in range(0, 120, 8):
        assert len({row["topic"] for row in rows[start : start + 8]}) == 8
    dataset = read(path, DataSettings(path=str(path)))
    assert dataset.kind == "chat" and not dataset.rejected
    assert [example["messages"][0]["content"] for example in dataset.examples] == questions
