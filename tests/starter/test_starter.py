"""The shipped model: small files, and right answers to questions it has never seen."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.starter import STARTER_DIR
from finetune.starter.items import assistant, user
from finetune.starter.measure import answers, measure
from finetune.starter.world import held_out_questions


@pytest.fixture(scope="module")
def starter():
    model = AutoModelForCausalLM.from_pretrained(STARTER_DIR, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(STARTER_DIR)


def test_every_file_is_under_ten_megabytes():
    assert all(file.stat().st_size < 10_000_000 for file in STARTER_DIR.iterdir())


def test_the_model_is_a_small_qwen_in_bf16(starter):
    config = json.loads((STARTER_DIR / "config.json").read_text())
    assert config["architectures"] == ["Qwen2ForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert 4_000_000 < starter[0].num_parameters() < 5_000_000
    assert starter[0].generation_config.eos_token_id == starter[1].eos_token_id


def test_held_out_questions_are_answered(starter):
    figures = measure(*starter, held_out_questions(153, seed=77))
    assert figures.right >= 0.95, figures.misses
    assert figures.ended >= 0.99


def test_the_card_tells_the_measured_figures():
    figures = json.loads((STARTER_DIR / "figures.json").read_text())
    card = (STARTER_DIR / "README.md").read_text()
    assert figures["right"] >= 0.95
    assert f"{figures['right']:.1%} right" in card


def test_it_stays_in_character_over_three_turns(starter):
    chat = [
        user("Hello!"),
        assistant("Hello! It is nice to meet you. What would you like to know?"),
        user("What is the capital of France?"),
        assistant("The capital of France is Paris."),
        user("Who are you?"),
    ]
    [(answer, ended)] = answers(*starter, [chat])
    assert ended
    assert "Starter" in answer
