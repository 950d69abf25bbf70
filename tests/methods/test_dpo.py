import pytest
from transformers import AutoTokenizer

from finetune.methods.dpo import DPO

PAIR = {
    "prompt": [{"role": "user", "content": "Sea?"}],
    "chosen": [{"role": "assistant", "content": "Blue."}],
    "rejected": [{"role": "assistant", "content": "Blurry and far away."}],
}


@pytest.fixture(scope="module")
def row(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = DPO().columns(PAIR, DPO().sequences(PAIR, tokenizer, 200))
    return {name: tokenizer.decode(ids) for name, ids in row.items()}


def test_prompt_and_answers_are_parted_where_the_answers_begin(row):
    assert row["prompt_ids"].endswith("<|im_start|>assistant\n")
    assert row["chosen_ids"].startswith("Blue.<|im_end|>")
    assert row["rejected_ids"].startswith("Blurry and far away.<|im_end|>")


def test_metrics_have_plain_names():
    logs = {"rewards/accuracies": 0.75, "rewards/margins": 0.2, "loss": 0.6}
    assert DPO().metrics(logs) == {"accuracy": 0.75, "margin": 0.2}
    assert DPO().metrics({"eval_rewards/accuracies": 1.0, "eval_rewards/margins": 2.0}) == {
        "accuracy": 1.0,
        "margin": 2.0,
    }


def test_a_model_that_has_not_moved_prefers_neither_answer():
    assert DPO().metrics({"eval_rewards/accuracies": 0.0, "eval_rewards/margins": 0.0})["accuracy"] == 0.5


def test_advice_on_pairs():
    assert "Pairs of answers: DPO" in DPO.advice("preference", 500)
