"""Prefix tuning, held against plain PEFT and plain Transformers."""

import json

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from finetune.adapters.prefix import Prefix
from finetune.errors import RunError
from finetune.exports import TARGETS
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling
from finetune.training.train import train
from tests.training.test_train import digests, pausing, recipe

__all__ = ["pausing"]

EXACT = {"training.precision": "fp32", "training.learning_rate": 0.05}
QUESTION = [{"role": "user", "content": "What of the sea?"}]


def prefixed(folder, **settings):
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return get_peft_model(base, Prefix(**settings).peft_config())


@pytest.mark.parametrize("count", [3, 40])
def test_a_new_prefix_is_what_the_base_makes_of_words(tiny_model, count):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = prefixed(tiny_model, virtual_tokens=count)
    Prefix().on_adapter()(model, tokenizer)
    words = tokenizer("You are a helpful assistant. Answer the question. ", add_special_tokens=False)["input_ids"]
    ids, prompt = torch.tensor([(words * count)[:count]]), torch.tensor([[5, 9, 30, 31]])
    with torch.no_grad():
        base = model.get_base_model().eval()
        cache = base(input_ids=ids, use_cache=True, past_key_values=DynamicCache()).past_key_values
        after = base(input_ids=prompt, past_key_values=cache).logits
        found = model.eval()(input_ids=prompt, attention_mask=torch.ones_like(prompt)).logits
        alone = base(input_ids=prompt).logits
    assert torch.allclose(found, after, atol=1e-4) and not torch.allclose(found, alone, atol=0.1)


def test_training_goes_on_in_the_mode_it_was_in(tiny_model):
    model = prefixed(tiny_model).train()
    Prefix().on_adapter()(model, AutoTokenizer.from_pretrained(tiny_model))
    assert model.get_base_model().training
    trainable = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trainable == ["prompt_encoder.default.embedding.weight"]


@pytest.mark.parametrize("method", ["sft", "dpo", "kto"])
def test_a_resumed_run_equals_an_uninterrupted_one(method, trained, with_tiny, tmp_path, pausing):
    settings = {"method": method, "adapter": "prefix", **EXACT}
    whole = trained(**settings)
    run = with_tiny.create(recipe(tmp_path, **settings))
    pausing(run, 3)
    assert run.view().state == "paused" and run.view().step in (3, 4)
    run.requeue()
    with run.held():
        train(run, with_tiny)
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]
    assert digests(run) == digests(whole)
    losses = [evaluation.loss for evaluation in run.view().evaluations]
    assert losses[-1] < losses[0]


def test_base_and_tuned_answer_as_plain_transformers_and_plain_peft_do(trained, with_tiny, tiny_model):
    run = trained(adapter="prefix", **EXACT)
    pair = Pair.load(run, with_tiny)
    *_, reply = pair.reply(QUESTION, QUESTION, Sampling(greedy=True, max_tokens=20))

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    batch = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=pair.decoding.variants[0].model.dtype).eval()

    def answer(model):
        output = model.generate(**batch, max_new_tokens=20, do_sample=False)
        return tokenizer.decode(output[0, batch["input_ids"].shape[1] :], skip_special_tokens=True).rstrip("\ufffd")

    assert reply.base == answer(base)
    assert reply.tuned == answer(PeftModel.from_pretrained(base, run.model_dir).eval()) != reply.base


def test_a_prefix_takes_its_room_in_a_table_of_positions(workspace, tmp_path):
    """GPT-2's has 512 rows here, and the longest rows, sample answers and answers fill what the prefix leaves of it."""
    from tests import zoo

    zoo.write("gpt2", workspace.models_dir / "gpt2")
    rows = [{"prompt": f"Sing {n}.", "completion": "la " * 600} for n in range(6)]
    (tmp_path / "long.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = {"model.id": "gpt2", "data.path": str(tmp_path / "long.jsonl"), "training.length": 4096}
    question = "la " * 470
    settings = {"training.max_steps": 1, "training.batch_size": 1, "evaluation.times": 1, "evaluation.max_tokens": 64}
    run = workspace.create(recipe(tmp_path, adapter="prefix", **data, **settings, **{"evaluation.prompts": [question]}))
    with run.held():
        train(run, workspace)
    assert any("at most 492 tokens" in note.message for note in run.view().notes) and run.view().samples[0].answers
    asked = [{"role": "user", "content": question}]
    *_, reply = Pair.load(run, workspace).reply(asked, asked, Sampling(greedy=True, max_tokens=64))
    assert reply.done


def test_what_does_not_go_with_a_prefix_is_refused_in_words(trained, with_tiny, tmp_path):
    run = trained(adapter="prefix", **EXACT)
    assert {choice.what: choice.value for choice in run.view().choices}.get("training.packing", "off") == "off"
    with pytest.raises(RunError, match=r"\(Prefix tuning\) cannot be merged"):
        TARGETS["merged"].write(run, with_tiny, tmp_path / "out")
