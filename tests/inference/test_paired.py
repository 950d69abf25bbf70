"""Base and tuned answer bit for bit as each does alone."""

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from finetune.adapters.lora import LoRA
from finetune.errors import ModelError
from finetune.inference.batched import BatchedDecoding
from finetune.inference.decoding import SequentialDecoding
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from tests.inference.families import FAMILIES, build, greedy, tune, walk

PROMPTS = [list(range(20 + i, 26 + 3 * i)) for i in range(12)]


def small(dtype, hidden=64, intermediate=128):
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=259, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True, initializer_range=0.3,
    )  # fmt: skip
    return Qwen2ForCausalLM(config).to(dtype).eval()


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("dtype", "count"), [(torch.bfloat16, 12), (torch.float32, 4)])
def test_batched_decoding_answers_as_each_model_alone(dtype, count):
    decoding, how = decoding_of_adapter(tune(small(dtype)), LoRA())
    assert isinstance(decoding, BatchedDecoding) and how.value == "batched"
    untouched, tuned = small(dtype), tune(small(dtype))
    for i, ids in enumerate(PROMPTS[:count]):
        other = PROMPTS[-1 - i]
        base_tokens, tuned_tokens = walk(decoding, (ids, other), 24)
        assert base_tokens == greedy(untouched, ids, 24)
        assert tuned_tokens == greedy(tuned, other, 24)


def test_layers_that_are_not_batch_invariant_are_computed_row_by_row():
    decoding, _ = decoding_of_adapter(tune(small(torch.bfloat16, intermediate=2048)), LoRA())
    untouched = small(torch.bfloat16, intermediate=2048)
    for ids in PROMPTS[:5]:
        assert walk(decoding, (ids, ids), 16)[0] == greedy(untouched, ids, 16)


def test_batched_logits_are_equal_to_the_last_bit():
    decoding, _ = decoding_of_adapter(tune(small(torch.float32)), LoRA())
    batched, position = decoding.prefill((PROMPTS[0], PROMPTS[5]))
    alone, sequential_position = decoding.sequential.prefill((PROMPTS[0], PROMPTS[5]))
    for token in range(30, 60):
        assert torch.equal(batched, alone)
        assert not torch.equal(batched[0], batched[1])
        batched = decoding.step([token, token + 1], position)
        alone = decoding.sequential.step([token, token + 1], sequential_position)


def test_an_adapter_that_cannot_be_batched_is_decoded_sequentially():
    decoding, how = decoding_of_adapter(tune(small(torch.float32), use_dora=True), LoRA())
    assert isinstance(decoding, SequentialDecoding) and how.value == "sequential" and how.reason
    untouched, tuned = small(torch.float32), tune(small(torch.float32), use_dora=True)
    base_tokens, tuned_tokens = walk(decoding, (PROMPTS[2], PROMPTS[3]), 16)
    assert base_tokens == greedy(untouched, PROMPTS[2], 16)
    assert tuned_tokens == greedy(tuned, PROMPTS[3], 16)


def test_two_full_models_answer_as_each_alone():
    base, tuned = small(torch.bfloat16), small(torch.bfloat16)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.mul_(1.1)
    decoding, _ = decoding_of_models(base, tuned)
    base_tokens, tuned_tokens = walk(decoding, (PROMPTS[1], PROMPTS[4]), 16)
    assert base_tokens == greedy(small(torch.bfloat16), PROMPTS[1], 16)
    assert tuned_tokens == greedy(tuned, PROMPTS[4], 16)


def test_a_saved_adapter_answers_as_before(tmp_path):
    tuned = tune(small(torch.bfloat16))
    tuned.save_pretrained(tmp_path, save_embedding_layers=False)
    expected = greedy(tuned, PROMPTS[0], 24)
    folder = next(path.parent for path in tmp_path.rglob("adapter_config.json"))
    loaded = PeftModel.from_pretrained(small(torch.bfloat16), folder, adapter_name="tuned").eval()
    decoding, _ = decoding_of_adapter(loaded, LoRA())
    assert walk(decoding, (PROMPTS[0], PROMPTS[0]), 24)[1] == expected


def test_a_model_with_a_sliding_window_is_decoded_sequentially():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=259, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, use_sliding_window=True, sliding_window=16, max_window_layers=1, initializer_range=0.3,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).eval()
    untouched = AutoModelForCausalLM.from_config(config).eval()
    untouched.load_state_dict(model.state_dict())
    decoding, how = decoding_of_adapter(tune(model), LoRA())
    assert how.value == "sequential"
    assert walk(decoding, (PROMPTS[8], PROMPTS[2]), 24)[0] == greedy(untouched, PROMPTS[8], 24)


BATCHED = {"llama", "opt", "gpt_neox", "phi", "gemma"}
"""The families that are decoded together, as plain Transformers and PEFT answer."""


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_answers_as_transformers_and_peft_do(family):
    decoding, how = decoding_of_adapter(tune(build(family)), LoRA(), lambda: build(family))
    assert how.value == ("batched" if family in BATCHED else "sequential"), how.reason
    untouched, tuned = build(family), tune(build(family))
    differ = 0
    for one, other in ((PROMPTS[0], PROMPTS[6]), (PROMPTS[7], PROMPTS[1])):
        base_tokens, tuned_tokens = walk(decoding, (one, other), 12)
        assert base_tokens == greedy(untouched, one, 12)
        assert tuned_tokens == greedy(tuned, other, 12)
        differ += tuned_tokens != greedy(untouched, other, 12)
    assert differ


def test_a_base_in_four_bits_is_answered_as_transformers_and_peft_do(tmp_path):
    """OPT flattens batch and time, here over quantized layers."""
    from bitsandbytes.nn import Linear4bit

    from finetune.adapters.qlora import QLoRA
    from finetune.models.loading import load_weights

    build("opt").save_pretrained(tmp_path)
    quantized = {"dtype": torch.float32, "quantization_config": QLoRA().quantization()}
    plain = tune(AutoModelForCausalLM.from_pretrained(tmp_path, **quantized))
    for layer in plain.modules():
        if isinstance(layer, Linear4bit):  # its kernel for bf16 takes no width that 64 does not divide
            layer.support_avx512bf16_for_cpu = False
    decoding, _ = decoding_of_adapter(
        tune(load_weights(tmp_path, torch.float32, "cpu", QLoRA().quantization())), QLoRA()
    )
    base_tokens, tuned_tokens = walk(decoding, (PROMPTS[0], PROMPTS[0]), 6)
    assert tuned_tokens == greedy(plain, PROMPTS[0], 6) != base_tokens
    with plain.disable_adapter():
        assert base_tokens == greedy(plain, PROMPTS[0], 6)


@pytest.mark.parametrize("name", ["llama4_text", "longcat_flash"])
def test_a_router_that_is_built_on_a_linear_layer_is_no_obstacle(name):
    from peft import get_peft_model

    from tests import zoo

    model = zoo.model(name)
    tuned = get_peft_model(model, LoRA(experts=False).peft_config(model), adapter_name="tuned").eval()
    decoding, _ = decoding_of_adapter(tuned, LoRA())
    base_tokens, tuned_tokens = walk(decoding, (PROMPTS[0], PROMPTS[6]), 8)
    assert base_tokens == greedy(zoo.model(name), PROMPTS[0], 8)
    assert tuned_tokens == greedy(zoo.model(name), PROMPTS[6], 8), "its B is zero still"


@pytest.mark.parametrize("family", ["qwen2_moe", "bloom"])
def test_an_adapter_that_has_hardly_learnt_is_tried_with_a_strong_one(family):
    model = tune(build(family))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.zeros_(parameter)
    _, how = decoding_of_adapter(model, LoRA())
    assert how.value == "sequential"
    assert all(not parameter.any() for name, parameter in model.named_parameters() if "lora_B" in name)


def test_a_model_with_state_of_its_own_is_refused_without_a_second_copy():
    with pytest.raises(ModelError, match="keeps state") as refused:
        decoding_of_adapter(tune(build("recurrent_gemma")), LoRA())
    assert refused.value.hint


def test_a_model_with_state_of_its_own_is_answered_by_two_copies():
    decoding, how = decoding_of_adapter(tune(build("recurrent_gemma")), LoRA(), lambda: build("recurrent_gemma"))
    assert "two copies" in how.reason and decoding.variants[0].model is not decoding.variants[1].model
