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
