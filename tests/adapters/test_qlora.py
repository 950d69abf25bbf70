import pytest
import torch

from finetune.adapters.qlora import QLoRA
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling


def test_the_base_is_nf4_with_bf16_arithmetic():
    config = QLoRA().quantization()
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_compute_dtype == torch.bfloat16 and config.bnb_4bit_use_double_quant


def test_double_quantization_can_be_turned_off():
    assert not QLoRA(double_quantization=False).quantization().bnb_4bit_use_double_quant


def test_the_base_can_be_fp4_or_int8():
    assert QLoRA(quantization_type="fp4").quantization().bnb_4bit_quant_type == "fp4"
    eight = QLoRA(quantization_type="int8")
    assert eight.quantization().load_in_8bit and not eight.quantization().load_in_4bit
    assert (eight.weight_bits, QLoRA().weight_bits, eight.profiled, QLoRA().profiled) == (8, 4, False, True)


@pytest.mark.parametrize("kind", ["fp4", "int8"])
def test_it_trains_over_other_quantizations_too(kind, trained, with_tiny):
    run = trained(adapter="qlora", **{"adapter.quantization_type": kind})
    view = run.view()
    assert view.state == "done" and view.evaluations[-1].loss < view.evaluations[0].loss
    asked = [{"role": "user", "content": "What of the sea?"}]
    *_, reply = Pair.load(run, with_tiny).reply(asked, asked, Sampling(greedy=True, max_tokens=4))
    assert reply.done


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
