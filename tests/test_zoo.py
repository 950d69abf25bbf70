"""Every animal of the zoo is written, read and answers."""

import pytest

from tests import zoo

FEW = ("llama", "gpt2", "gemma3", "falcon", "mamba", "qwen2_moe")


def answers(folder):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[21, 22, 23, 24, 25]])).logits


def check(name, folder):
    import torch
    from transformers import AutoTokenizer

    logits = answers(zoo.write(name, folder))
    assert torch.isfinite(logits).all()
    assert logits.std() > 0.01
    assert logits.size(-1) >= len(AutoTokenizer.from_pretrained(folder))


@pytest.mark.parametrize("name", FEW)
def test_a_few_families(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.heavy
def test_all_families(tmp_path):
    for name in sorted(set(zoo.architectures()) - set(FEW)):
        check(name, tmp_path / name)


def test_what_is_left_out_is_named_rightly():
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert set(zoo.LEFT_OUT) <= set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    assert len(zoo.architectures()) > 120
