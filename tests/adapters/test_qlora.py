import pytest
import torch

from finetune.adapters.qlora import QLoRA


def test_the_base_is_nf4_with_bf16_arithmetic():
    config = QLoRA().quantization()
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_compute_dtype == torch.bfloat16 and config.bnb_4bit_use_double_quant


def test_double_quantization_can_be_turned_off():
    assert not QLoRA(double_quantization=False).quantization().bnb_4bit_use_double_quant


def test_it_is_lora_in_everything_else():
    assert QLoRA(rank=4).peft_config().r == 4 and not QLoRA().trains_base()


@pytest.mark.heavy
def test_the_starter_answers_over_four_bits_as_it_does_in_16():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.models.loading import load_weights
    from finetune.models.locate import STARTER
    from finetune.starter.measure import answers
    from finetune.starter.world import held_out_questions

    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    plain = AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.bfloat16).eval()
    quantized = load_weights(STARTER, torch.bfloat16, "cpu", QLoRA().quantization())
    chats = [item.messages for item in held_out_questions(40)]
    assert answers(quantized, tokenizer, chats) == answers(plain, tokenizer, chats)
