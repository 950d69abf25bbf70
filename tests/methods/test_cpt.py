import json
import math

import pytest
import torch
from transformers import AutoTokenizer

from finetune.data.settings import DataSettings
from finetune.exports.card import card
from finetune.methods import method_for
from finetune.methods.cpt import CPT
from finetune.methods.sft import SFT
from tests.methods.test_sft import CHAT


def test_a_text_is_whole_however_long_and_ends_with_the_end_of_text(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    (sequence,) = CPT().sequences({"text": "The sea. " * 100}, tokenizer, 16)
    assert len(sequence.ids) == 901 and not sequence.is_truncated and sequence.ids[-1] == tokenizer.eos_token_id
    assert CPT().sequences(CHAT, tokenizer, 100) == SFT().sequences(CHAT, tokenizer, 100)


def test_it_is_the_method_for_plain_text_and_sft_reads_it_too():
    assert method_for("text").type == "cpt" and "text" in SFT.reads and CPT().trains_all
    assert "continued pre-training" in CPT.advice("text", 500)


@torch.no_grad()
def test_perplexity_is_e_to_the_cross_entropy_of_the_models_own_logits(build):
    texts = [{"text": "The sea is blue."}, {"text": "The sky is grey, and far away."}]
    trainer = build(CPT(), texts, per_device_eval_batch_size=1)
    losses = []
    for row in trainer.train_dataset:
        ids = torch.tensor([row["input_ids"]])
        logits = trainer.model(ids).logits[0, :-1]
        losses.append(torch.nn.functional.cross_entropy(logits, ids[0, 1:]))
    found = CPT().metrics(trainer.evaluate())["perplexity"]
    assert found == pytest.approx(math.exp(torch.stack(losses).mean()), rel=1e-4)
    assert CPT().metrics({"loss": 1.0}) == {} and CPT().metrics({"eval_loss": 1e9})["perplexity"] > 1e300


@pytest.fixture
def conversations(tmp_path):
    rows = [{"prompt": f"What is {n}?", "completion": f"It is {n}."} for n in range(20)]
    path = tmp_path / "general.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def notes(run) -> str:
    return " ".join(note.message for note in run.view().notes)


def test_a_run_is_warned_of_its_effect_on_chat_unless_conversations_are_mixed_in(trained, conversations):
    short = {"method": "cpt", "training.max_steps": 1, "evaluation.times": 0}
    alone = trained(**short)
    assert "weakens a chat model" in notes(alone) and "weakens a chat model" in card(alone)
    mixed = trained(**short, **{"data.replay": conversations, "data.replay_share": 0.3})
    assert "weakens a chat model" not in notes(mixed) + card(mixed)
    assert CPT().caution(DataSettings(path="x", replay="y", replay_share=0)) != ""


def test_conversations_that_are_mixed_in_are_rows_of_their_own_with_their_loss_mask(with_tiny, tmp_path, conversations):
    from finetune.training.prepare import prepare
    from tests.training.test_train import recipe

    settings = {"data.replay": conversations, "data.replay_share": 0.3, "training.length": 64}
    prepared = prepare(recipe(tmp_path, "cpt", **settings), with_tiny)
    rows, tokenizer = prepared.rows.train, prepared.tokenizer
    chats = [row for row in rows if tokenizer.decode(row["input_ids"]).startswith("<|im_start|>user")]
    texts = [row for row in rows if row not in chats]
    assert len(chats) == 9  # three rows in ten; 21 of 24 texts are trained on
    trained = [tokenizer.decode([label for label in row["labels"] if label != -100]) for row in chats]
    assert all(answer.startswith("It is") and answer.endswith("<|im_end|>") for answer in trained)
    assert {len(row["input_ids"]) for row in texts[:-1]} == {64}
    assert all(row["labels"] == [-100, *row["input_ids"][1:]] for row in texts)
    assert prepared.rows.counts.tokens == sum(len(row["input_ids"]) for row in rows)


def test_packing_does_not_let_conversations_see_each_other(trained, conversations):
    run = trained(method="cpt", **{"data.replay": conversations, "data.replay_share": 0.5, "training.max_steps": 2})
    assert "training.packing" in {choice.what for choice in run.view().choices}
