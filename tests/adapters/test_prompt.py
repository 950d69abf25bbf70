"""Prompt tuning, held against plain PEFT."""

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.adapters.prompt import Prompt, cache_of_prompt


@pytest.fixture
def prompted(tiny_model):
    adapter = Prompt(virtual_tokens=30, start="Be kind. ")
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    model = get_peft_model(base, adapter.peft_config()).eval()
    adapter.on_adapter()(model, AutoTokenizer.from_pretrained(tiny_model))
    return model


def test_it_starts_from_the_embeddings_of_its_text(prompted, tiny_model):
    words = AutoTokenizer.from_pretrained(tiny_model)("Be kind. ", add_special_tokens=False)["input_ids"]
    ids = torch.tensor((words * 30)[:30])
    expected = prompted.get_base_model().get_input_embeddings()(ids)
    assert torch.equal(prompted.prompt_encoder["default"].embedding.weight, expected)


def test_its_cache_gives_what_peft_computes_with_embeddings_before_the_prompt(prompted):
    ids = torch.arange(60, 80)[None]
    with torch.no_grad():
        expected = prompted(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, 30:]
        found = prompted.get_base_model()(input_ids=ids, past_key_values=cache_of_prompt(prompted)).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
