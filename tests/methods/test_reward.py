"""A reward model's loss against Bradley and Terry's, by hand."""

import math
from types import SimpleNamespace

import pytest

from finetune.adapters import ADAPTERS
from finetune.methods.reward import Reward, prepared

PAIR = {
    "prompt": [{"role": "user", "content": "Sea?"}],
    "chosen": [{"role": "assistant", "content": "Blue."}],
    "rejected": [{"role": "assistant", "content": "Far away."}],
}


def test_both_answers_follow_the_prompt(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = Reward().columns(PAIR, Reward().sequences(PAIR, tokenizer, 100))
    texts = {name: tokenizer.decode(ids) for name, ids in row.items()}
    assert set(texts) == {"chosen_ids", "rejected_ids"}
    assert all("Sea?" in text for text in texts.values())
    assert "Blue." in texts["chosen_ids"] and "Far away." in texts["rejected_ids"]


@pytest.mark.parametrize("centered", [None, 0.1])
def test_the_loss_is_that_of_the_margin_and_padding_rows_do_not_count(centered):
    import torch

    class Trainer:
        class args:
            world_size = 1
            center_rewards_coefficient = centered

        class accelerator:
            gather = staticmethod(lambda value: value)

        _metrics = {"train": {"accuracy": [0.5], "margin": [0.75]}}

        def compute_loss(self, model, inputs, return_outputs=False):
            chosen, rejected = inputs["scores"].chunk(2)
            loss = -torch.nn.functional.logsigmoid(chosen - rejected).mean()
            loss = loss + (centered or 0) * ((chosen + rejected) ** 2).mean()
            return loss, SimpleNamespace(logits=inputs["scores"].unsqueeze(-1))

    ids = torch.tensor([[1, 2], [0, 0], [1, 3], [0, 0]])  # a pair, and a padding row
    inputs = {"input_ids": ids, "scores": torch.tensor([2.0, 0.3, 0.5, 0.3])}
    by_hand = math.log(1 + math.exp(-(2.0 - 0.5))) + (centered or 0) * 2.5**2
    trainer, model = prepared(Trainer)(), SimpleNamespace(training=True)
    assert trainer.compute_loss(model, inputs).item() == pytest.approx(by_hand, abs=1e-6)
    assert trainer._metrics["train"] == {"accuracy": [1.0], "margin": [1.5]}


def test_virtual_tokens_are_refused():
    assert "its head would read the wrong token" in Reward().refuses(ADAPTERS["prefix"]())
    assert not Reward().refuses(ADAPTERS["lora"]())


def test_metrics_have_plain_names():
    assert Reward().metrics({"eval_accuracy": 0.75, "eval_margin": 1.5}) == {"pair_accuracy": 0.75, "score_margin": 1.5}
    assert Reward().metrics({"loss": 1.0}) == {}
