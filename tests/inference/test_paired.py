"""Each side of a pair answers bit for bit as it does alone."""

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from finetune.adapters.lora import LoRA
from finetune.inference.paired import BatchedDecoding, SequentialDecoding, decoding_of_adapter, decoding_of_models

PROMPTS = [list(range(20 + i, 26 + 3 * i)) for i in range(12)]


def small(dtype, hidden=64, intermediate=128):
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=259, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True, initializer_range=0.3,
    )  # fmt: skip
    return Qwen2ForCausalLM(config).to(dtype).eval()


def tune(model, **settings):
    """``model`` with a LoRA that changes its answers."""
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", **settings)
    tuned = get_peft_model(model, config, adapter_name="tuned").eval()
    torch.manual_seed(1)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return tuned


def greedy(model, ids, count):
    """The next ``count`` tokens of ``model.generate``, the reference."""
    batch = torch.tensor([ids])
    output = model.generate(
        batch,
        attention_mask=torch.ones_like(batch),
        max_new_tokens=count,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return output[0, len(ids) :].tolist()


def walk(sides, prompts, count):
    """The greedy tokens of both sides."""
    logits, place = sides.begin(prompts)
    said = []
    for _ in range(count):
        said.append([int(row.argmax()) for row in logits])
        logits = sides.step(said[-1], place)
    return [list(side) for side in zip(*said)]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """One thread: with two on a busy machine, each tiny operation waits for the slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("dtype", "count"), [(torch.bfloat16, 12), (torch.float32, 4)])
def test_one_batch_answers_as_each_side_alone(dtype, count):
    sides, how = decoding_of_adapter(tune(small(dtype)), LoRA())
    assert isinstance(sides, BatchedDecoding) and how.value == "one batch"
    untouched, tuned = small(dtype), tune(small(dtype))
    for i, ids in enumerate(PROMPTS[:count]):
        other = PROMPTS[-1 - i]
        base_said, tuned_said = walk(sides, (ids, other), 24)
        assert base_said == greedy(untouched, ids, 24)
        assert tuned_said == greedy(tuned, other, 24)


def test_layers_too_wide_for_one_batch_are_computed_row_by_row():
    sides, _ = decoding_of_adapter(tune(small(torch.bfloat16, intermediate=2048)), LoRA())
    untouched = small(torch.bfloat16, intermediate=2048)
    for ids in PROMPTS[:5]:
        assert walk(sides, (ids, ids), 16)[0] == greedy(untouched, ids, 16)


def test_logits_of_one_batch_are_equal_to_the_last_bit():
    sides, _ = decoding_of_adapter(tune(small(torch.float32)), LoRA())
    together, place = sides.begin((PROMPTS[0], PROMPTS[5]))
    alone, apart = sides.alone.begin((PROMPTS[0], PROMPTS[5]))
    for token in range(30, 60):
        assert torch.equal(together, alone)
        assert not torch.equal(together[0], together[1])
        together, alone = sides.step([token, token + 1], place), sides.alone.step([token, token + 1], apart)


def test_an_add_on_that_cannot_share_a_batch_is_stepped_in_turn():
    sides, how = decoding_of_adapter(tune(small(torch.float32), use_dora=True), LoRA())
    assert isinstance(sides, SequentialDecoding) and how.value == "in turn" and how.reason
    untouched, tuned = small(torch.float32), tune(small(torch.float32), use_dora=True)
    base_said, tuned_said = walk(sides, (PROMPTS[2], PROMPTS[3]), 16)
    assert base_said == greedy(untouched, PROMPTS[2], 16)
    assert tuned_said == greedy(tuned, PROMPTS[3], 16)


def test_two_whole_models_answer_as_each_alone():
    base, tuned = small(torch.bfloat16), small(torch.bfloat16)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.mul_(1.1)
    sides, _ = decoding_of_models(base, tuned)
    base_said, tuned_said = walk(sides, (PROMPTS[1], PROMPTS[4]), 16)
    assert base_said == greedy(small(torch.bfloat16), PROMPTS[1], 16)
    assert tuned_said == greedy(tuned, PROMPTS[4], 16)


def test_a_saved_adapter_answers_as_before(tmp_path):
    tuned = tune(small(torch.bfloat16))
    tuned.save_pretrained(tmp_path, save_embedding_layers=False)
    expected = greedy(tuned, PROMPTS[0], 24)
    folder = next(path.parent for path in tmp_path.rglob("adapter_config.json"))
    loaded = PeftModel.from_pretrained(small(torch.bfloat16), folder, adapter_name="tuned").eval()
    sides, _ = decoding_of_adapter(loaded, LoRA())
    assert walk(sides, (PROMPTS[0], PROMPTS[0]), 24)[1] == expected


def test_a_model_with_a_sliding_window_is_stepped_in_turn():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=259, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, use_sliding_window=True, sliding_window=16, max_window_layers=1, initializer_range=0.3,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).eval()
    untouched = AutoModelForCausalLM.from_config(config).eval()
    untouched.load_state_dict(model.state_dict())
    sides, how = decoding_of_adapter(tune(model), LoRA())
    assert how.value == "in turn"
    assert walk(sides, (PROMPTS[8], PROMPTS[2]), 24)[0] == greedy(untouched, PROMPTS[8], 24)
