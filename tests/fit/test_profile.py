"""A profiled step against a real one, block for block."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from finetune.adapters import ADAPTERS
from finetune.fit.profile import AllocationLedger, Step, empty, profile_step
from finetune.models.skeleton import config_of
from finetune.paths import PROJECT
from tests import zoo

STEP = Step(sequences=4, length=100, mixed_precision=False, base_dtype="float32", masked=False)


@pytest.fixture
def deep_model(tiny_model, tmp_path):
    """The tiny model's config with twelve layers, which is more than are profiled one by one."""
    config = json.loads((tiny_model / "config.json").read_text())
    config |= {"num_hidden_layers": 12, "layer_types": ["full_attention"] * 12}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def really_needed(folder) -> int:
    """The peak of one step of full fine-tuning, with tensors that are real."""
    import torch
    from transformers import AutoModelForCausalLM
    from trl.kernels import ChunkedLogProbFunction

    model = AutoModelForCausalLM.from_config(config_of(folder), dtype=torch.float32, attn_implementation="sdpa").train()
    state = 3 * sum(weight.numel() * weight.element_size() for weight in model.parameters())
    with AllocationLedger() as ledger:
        ids = torch.zeros(4, 100, dtype=torch.long)
        hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        scores, *_ = ChunkedLogProbFunction.apply(
            hidden.reshape(-1, hidden.size(-1)), model.lm_head.weight, None, ids[:, 1:].reshape(-1), 1.0,
            model.config.vocab_size, None, 1.0, ("log_probs", "entropy", "is_top1"),
        )  # fmt: skip
        (-scores.sum()).backward()
        peak, _ = ledger.mark()
    return state + peak


def test_nothing_is_allocated_and_the_peak_is_that_of_real_tensors(tiny_model):
    assert profile_step(tiny_model, ADAPTERS["full"](), STEP).peak_bytes == pytest.approx(
        really_needed(tiny_model), rel=0.02
    )


def test_a_deep_model_is_continued_from_few_layers(deep_model):
    found = profile_step(deep_model, ADAPTERS["full"](), STEP)
    assert found.peak_bytes == pytest.approx(really_needed(deep_model), rel=0.05)
    parameters = sum(weight.numel() for weight in empty(deep_model, ADAPTERS["full"]()).parameters())
    assert found.weights_bytes == pytest.approx(4 * parameters, rel=0.01)
    assert found.state_bytes == pytest.approx(12 * parameters, rel=0.01)


@pytest.mark.parametrize("adapter", [name for name, adapter in ADAPTERS.items() if adapter.profiled])
@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_every_adapter_can_be_profiled(tiny_model, adapter, reference, mixed_precision):
    dtype = "float32" if adapter == "full" or not mixed_precision else "bfloat16"
    step = Step(4, 100, mixed_precision=mixed_precision, base_dtype=dtype, reference=reference)
    found = profile_step(tiny_model, ADAPTERS[adapter](), step)
    assert 0 < found.weights_bytes < found.state_bytes < found.peak_bytes
    checkpointed = Step(
        4, 100, mixed_precision=mixed_precision, base_dtype=dtype, reference=reference, activation_checkpointing=True
    )
    assert profile_step(tiny_model, ADAPTERS[adapter](), checkpointed).peak_bytes < found.peak_bytes


def test_moments_in_eight_bits_take_less(deep_model):
    plain = profile_step(deep_model, ADAPTERS["full"](), STEP)
    small = profile_step(deep_model, ADAPTERS["full"](), replace(STEP, optimizer_in_8_bits=True))
    moments, fewer = (each.state_bytes - each.weights_bytes for each in (plain, small))
    assert moments / 4 < fewer < moments / 2  # small weights keep 32 bits


def test_a_copy_of_the_base_is_the_reference_where_the_base_is_trained(tiny_model):
    alone = profile_step(tiny_model, ADAPTERS["full"](), STEP)
    with_reference = profile_step(
        tiny_model, ADAPTERS["full"](), Step(4, 100, False, "float32", masked=False, reference=True)
    )
    assert with_reference.weights_bytes == 2 * alone.weights_bytes


@pytest.mark.parametrize("double", [True, False])
def test_four_bits_weigh_what_they_do_when_they_are_loaded(tiny_model, double):
    import torch
    from bitsandbytes.nn import Params4bit
    from peft import get_peft_model

    from finetune.models.loading import load_weights

    qlora = ADAPTERS["qlora"](double_quantization=double)
    loaded = load_weights(tiny_model, torch.bfloat16, "cpu", qlora.quantization())
    weights = list(get_peft_model(loaded, qlora.peft_config()).parameters())
    scales = [weight.quant_state.absmax for weight in weights if isinstance(weight, Params4bit)]
    # TRL holds what is trained in 16 bits.
    real = sum(weight.nbytes // (2 if weight.requires_grad else 1) for weight in [*weights, *scales])
    packed = profile_step(tiny_model, qlora, Step(1, 16, mixed_precision=True, base_dtype="bfloat16")).weights_bytes
    assert packed == pytest.approx(real, rel=0.01)


@pytest.mark.parametrize("triton", [False, True])
def test_masked_tokens_take_no_room_in_the_head(tiny_model, triton):
    step = replace(STEP, triton=triton)
    few = profile_step(tiny_model, ADAPTERS["full"](), replace(step, trained_share=0.1)).peak_bytes
    assert few < profile_step(tiny_model, ADAPTERS["full"](), step).peak_bytes


def test_a_card_needs_no_copies_of_the_logits_but_a_whole_tile(tiny_model):
    step = Step(8, 100, mixed_precision=True, base_dtype="float32")
    tile = 8 * 99 * 32768 * 2
    assert tile < profile_step(tiny_model, ADAPTERS["full"](), replace(step, triton=True)).peak_bytes < 2 * tile


def test_the_first_dry_run_of_a_process_leaves_no_fake_tables_behind(tiny_model):
    program = (
        "import sys; from pathlib import Path; from finetune.adapters import ADAPTERS;"
        "from finetune.fit.profile import Step, profile_step;"
        "found = [profile_step(Path(sys.argv[1]), ADAPTERS['full'](), Step(1, n, False, 'float32')) for n in (9, 10)];"
        "assert found[0].weights_bytes == found[1].weights_bytes, found;"
        "from bitsandbytes.backends import utils;"
        "assert utils._NF4_QUANT_TABLE.device.type == 'cpu' and utils._NF4_QUANT_TABLE.tolist()"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tiny_model)], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["mixtral", "bloom", "gemma3", "gpt_oss"])
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_experts_biases_by_distance_and_towers_are_profiled(name, mixed_precision, tmp_path):
    zoo.config(name).save_pretrained(tmp_path)
    step = replace(STEP, masked=True, mixed_precision=mixed_precision)
    found = profile_step(tmp_path, ADAPTERS["full"](), step)
    weights = dict(zoo.model(name).named_parameters())
    trained = [weight for part, weight in weights.items() if "vision_tower" not in part and "projector" not in part]
    assert found.weights_bytes == pytest.approx(4 * sum(weight.numel() for weight in weights.values()), rel=0.02)
    moments = 8 * sum(weight.numel() for weight in trained)
    assert found.state_bytes - found.weights_bytes == pytest.approx(moments, rel=0.02)
    assert found.peak_bytes > found.state_bytes


def test_four_bits_are_profiled_where_weights_are_quantized(tmp_path):
    """Those of linear layers, also of a tower; a head, embeddings and experts keep 16 bits."""
    step = Step(1, 16, mixed_precision=True, base_dtype="bfloat16", masked=False)
    shares = {}
    for name in ("llama", "mixtral", "gemma3"):
        zoo.config(name).save_pretrained(tmp_path / name)
        bytes_of = {
            adapter: profile_step(tmp_path / name, ADAPTERS[adapter](), step).weights_bytes
            for adapter in ("lora", "qlora")
        }
        shares[name] = bytes_of["qlora"] / bytes_of["lora"]
    assert all(0.25 < share < 1 for share in shares.values())
