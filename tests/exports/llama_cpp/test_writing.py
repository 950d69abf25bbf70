"""What is in the file, read by Transformers, by llama.cpp and by the gguf package."""

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader, quants
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.errors import RunError
from finetune.exports.llama_cpp import writing
from finetune.exports.llama_cpp.reader import LlamaCpp
from tests.exports.llama_cpp.tiny_families import TINY, write_family

READ_BY_TRANSFORMERS = ("llama", "smollm", "linear", "nemo", "gpt-4o", "gpt-2", "qwen2", "yarn", "gemma2", "gemma3")
"""It reads no bias of Llama, no size of a head of Qwen 3, no SmolLM3 and no Gemma 1."""
ROUNDED = 5e-3
"""Of the largest logit: llama.cpp multiplies in f16."""


def model_in(folder, **options):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()


@pytest.mark.parametrize("name", READ_BY_TRANSFORMERS)
def test_transformers_reads_the_same_weights(name, written):
    folder, file = written(name)
    own, read = model_in(folder).state_dict(), model_in(file.parent, gguf_file=file.name).state_dict()
    assert own.keys() == read.keys()
    for key, weight in own.items():
        assert torch.allclose(weight, read[key], rtol=0, atol=1e-6), key


@pytest.mark.parametrize("name", TINY)
def test_llama_cpp_computes_what_transformers_computes(name, written):
    pytest.importorskip("llama_cpp")
    folder, file = written(name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The sea is wide, and 12 monkeys sail on it. What of the naïve 🚀?")["input_ids"][:60]
    with torch.no_grad():
        expected = model_in(folder)(torch.tensor([ids])).logits[0, -1].numpy()
    # A longer context than the trained one would take the other factors of LongRoPE.
    found = LlamaCpp(file, longest=256).logits(ids)
    assert np.abs(found - expected).max() < ROUNDED * np.abs(expected).max()


def test_a_quantized_weight_is_within_half_a_step_of_its_block(written, tmp_path):
    folder, file = written("qwen2")
    writing.write(folder, AutoTokenizer.from_pretrained(folder), tmp_path / "q8.gguf", "q8_0", "tiny")
    exact = {tensor.name: tensor for tensor in GGUFReader(file).tensors}
    found = GGUFReader(tmp_path / "q8.gguf").tensors
    assert {tensor.name for tensor in found} == exact.keys()
    quantized = [tensor for tensor in found if tensor.tensor_type == GGMLQuantizationType.Q8_0]
    assert {tensor.name.split(".")[-2] for tensor in quantized} == {
        "token_embd", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down",
    }  # fmt: skip
    for tensor in quantized:
        values = exact[tensor.name].data.astype(np.float32).reshape(-1, 32)
        off = np.abs(quants.dequantize(tensor.data, tensor.tensor_type).reshape(-1, 32) - values)
        # The step is stored in f16, so it is off by up to 2^-11 of itself.
        assert (off <= np.abs(values).max(1, keepdims=True) / 127 * (0.5 + 127 / 2**11) + 1e-6).all()
    assert (tmp_path / "q8.gguf").stat().st_size < 0.75 * file.stat().st_size


def test_bf16_keeps_the_numbers_of_a_model_in_bf16(tmp_path):
    from tests.tiny import write_tiny_model

    folder = write_tiny_model(tmp_path / "tiny")
    writing.write(folder, AutoTokenizer.from_pretrained(folder), tmp_path / "tiny.gguf", "bf16", "tiny")
    own, read = model_in(folder).state_dict(), model_in(tmp_path, gguf_file="tiny.gguf").state_dict()
    assert all(torch.equal(weight, read[key]) for key, weight in own.items())


def test_rows_that_are_no_whole_number_of_blocks_stay_in_f16():
    assert writing.stored_as("blk.0.ffn_up.weight", (8, 48), "q8_0").name == "F16"
    assert writing.stored_as("blk.0.ffn_up.weight", (8, 64), "q8_0").name == "Q8_0"
    assert writing.stored_as("blk.0.attn_q.bias", (64,), "q8_0").name == "F32"


def test_a_weight_that_is_too_large_for_f16_is_refused(tmp_path):
    folder = write_family("qwen2", tmp_path / "tiny")
    weights = {name: weight.float() for name, weight in load_file(folder / "model.safetensors").items()}
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = 70_000
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(RunError, match=r"1\.mlp\.up_proj\.weight has numbers that are too large") as refused:
        writing.write(folder, AutoTokenizer.from_pretrained(folder), tmp_path / "tiny.gguf", "f16", "tiny")
    assert "bf16" in refused.value.hint


def test_the_share_that_is_written_is_reported(written, tmp_path):
    folder, _ = written("qwen2")
    shares = []
    writing.write(folder, AutoTokenizer.from_pretrained(folder), tmp_path / "x.gguf", "f16", "tiny", shares.append)
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) == 26
