import gc
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch

from finetune.adapters import ADAPTERS
from finetune.models.loading import load_base, load_tuned, load_weights
from finetune.recipe import ModelSettings
from tests import zoo
from tests.models.damage import edit_config, edit_tensors

TINY = ModelSettings(id="tiny")


def test_four_bit_layers_stay_differentiable_after_an_evaluation(with_tiny):
    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    ids = torch.arange(8)[None]
    with torch.no_grad():
        base(input_ids=ids)
    inputs = base.get_input_embeddings()(ids).detach().requires_grad_()
    base.model.layers[0].mlp(inputs).sum().backward()
    assert inputs.grad is not None and inputs.grad.abs().sum() > 0


def test_a_quantized_model_frees_its_files(with_tiny):
    file = str(with_tiny.models_dir / "tiny" / "model.safetensors")
    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    plain = load_base(TINY, with_tiny, ADAPTERS["lora"](), torch.bfloat16)
    assert torch.equal(base.get_input_embeddings().weight, plain.get_input_embeddings().weight)
    assert base.get_output_embeddings().weight is base.get_input_embeddings().weight
    if sys.platform == "linux":
        del plain
        gc.collect()
        assert os.path.realpath(file) not in Path("/proc/self/maps").read_text()


def test_the_shards_of_a_model_are_read_as_one(tmp_path, tiny_model):
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(tiny_model)
    plain.save_pretrained(tmp_path, max_shard_size="50KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    weights = load_weights(tmp_path, torch.bfloat16, "cpu").state_dict()
    assert weights.keys() == plain.state_dict().keys()
    assert all(torch.equal(weights[name], weight) for name, weight in plain.state_dict().items())


FP4 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
"""The values of e2m1, as the OCP Microscaling Formats specification (1.0, §5.3.3) lists them."""


def as_mxfp4(tensors):
    """The experts of ``tensors`` in random MXFP4 blocks of 32, and what these stand for."""
    stored, values, generator = {}, {}, torch.Generator().manual_seed(0)
    for name, tensor in tensors.items():
        if not name.endswith(("gate_up_proj", "down_proj")):
            stored[name] = tensor
            continue
        experts, inputs, outputs = tensor.shape
        blocks = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), dtype=torch.uint8, generator=generator)
        scales = torch.randint(120, 126, (experts, outputs, inputs // 32), dtype=torch.uint8, generator=generator)
        pairs = torch.stack([FP4[(blocks & 15).long()], FP4[(blocks >> 4).long()]], -1)
        value = pairs.flatten(-2) * 2.0 ** (scales.float() - 127)[..., None]
        stored[f"{name}_blocks"], stored[f"{name}_scales"] = blocks, scales
        values[name] = value.flatten(-2).transpose(1, 2)
    return stored, values


def test_mxfp4_is_loaded_as_the_values_that_its_blocks_stand_for(tmp_path):
    from transformers import GptOssConfig, GptOssForCausalLM

    config = GptOssConfig(
        vocab_size=64, hidden_size=64, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=32, num_local_experts=4, num_experts_per_tok=2,
        layer_types=["full_attention"], pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    GptOssForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path)
    values = {}
    edit_tensors(tmp_path, lambda tensors: (found := as_mxfp4(tensors), values.update(found[1]))[0][0])
    edit_config(tmp_path, quantization_config={"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]})
    weights = load_weights(tmp_path, torch.bfloat16, "cpu").state_dict()
    assert len(values) == 2 and all(torch.equal(weights[name].float(), value) for name, value in values.items())


@pytest.mark.parametrize("lost", [1, 6])
def test_an_adapter_that_lacks_a_tensor_is_refused_wherever_it_is_loaded(lost, trained, with_tiny, tmp_path):
    """PEFT warns of it in its log, and the layer then answers untrained."""
    from safetensors.torch import load_file, save_file

    from finetune.errors import ModelError
    from finetune.exports import TARGETS
    from finetune.inference.chat import Pair

    run = trained()
    path = run.model_dir / "adapter_model.safetensors"
    tensors = load_file(path)
    save_file(dict(list(tensors.items())[lost:]), path, {"format": "pt"})
    for call in (
        lambda: Pair.load(run, with_tiny),
        lambda: TARGETS["merged"].write(run, with_tiny, tmp_path / "out"),
        lambda: load_tuned(run, with_tiny, run.recipe.adapter, torch.float32),
    ):
        with pytest.raises(ModelError, match=f"lacks {lost} of its {len(tensors)} tensors, such as base_model.model."):
            call()


def test_a_model_that_reads_no_text_without_a_picture_is_refused_when_it_is_loaded(tmp_path, monkeypatch):
    from transformers import LlavaForConditionalGeneration

    from finetune.errors import ModelError
    from tests import gallery

    def needing(self, input_ids, pixel_values=None, **rest):
        raise ValueError("You have to specify pixel_values. There are none.")

    gallery.write("llava", tmp_path / "llava")
    assert load_weights(tmp_path / "llava", torch.float32, "cpu")
    monkeypatch.setattr(LlavaForConditionalGeneration, "forward", needing)
    with pytest.raises(ModelError, match=r"llava reads no text alone \(You have to specify pixel_values"):
        load_weights(tmp_path / "llava", torch.float32, "cpu")


@pytest.fixture
def in_four_bits(with_tiny, tiny_model):
    """The tiny model as others publish it: its weights stored in 4 bits."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    folder = with_tiny.models_dir / "tiny-bnb-4bit"
    AutoModelForCausalLM.from_pretrained(tiny_model, quantization_config=config).save_pretrained(folder)
    for file in (*tiny_model.glob("*token*"), *tiny_model.glob("*.jinja")):
        shutil.copy(file, folder)
    return ModelSettings(id="tiny-bnb-4bit")


@pytest.mark.parametrize("adapter", ["lora", "qlora"])
def test_a_base_stored_in_four_bits_is_loaded_as_it_is_and_keeps_gradients(in_four_bits, with_tiny, adapter):
    import bitsandbytes

    base = load_base(in_four_bits, with_tiny, ADAPTERS[adapter](), torch.bfloat16)
    own = load_base(TINY, with_tiny, ADAPTERS["qlora"](double_quantization=False), torch.bfloat16)
    layer, same = (model.model.layers[0].mlp.up_proj for model in (base, own))
    assert isinstance(layer, bitsandbytes.nn.Linear4bit)
    x = torch.randn(1, 4, 64, dtype=torch.bfloat16, requires_grad=True)
    assert torch.equal(layer(x), same(x))
    layer(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_a_base_stored_in_four_bits_is_trained_with_an_adapter_only(in_four_bits, with_tiny, tmp_path):
    from finetune.errors import ModelError
    from finetune.training.train import train
    from tests.training.test_train import recipe

    for adapter in ("lora", "qlora", "full"):
        run = with_tiny.create(recipe(tmp_path, adapter=adapter, **{"model.id": in_four_bits.id}))
        if adapter == "full":
            with pytest.raises(ModelError, match="stored in 4 bits"), run.held():
                train(run, with_tiny)
            continue
        with run.held():
            train(run, with_tiny)
        losses = [each.loss for each in run.view().evaluations]
        assert run.view().state == "done" and losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["falcon_h1", "nemotron_h"])
def test_a_hybrid_of_mamba_is_trained_over_four_bits(name, workspace):
    """PEFT itself refuses the ``out_proj`` of their mixers."""
    from peft import get_peft_model

    zoo.write(name, workspace.models_dir / name)
    base = load_base(ModelSettings(id=name), workspace, ADAPTERS["qlora"](), torch.float32)
    model = get_peft_model(base, ADAPTERS["qlora"](rank=2).peft_config(base)).train()
    model(input_ids=torch.arange(20, 44)[None], use_cache=False).logits.square().mean().backward()
    trained = {key: weight.grad for key, weight in model.named_parameters() if "lora_B" in key}
    assert any("mamba" in key or "mixer" in key for key in trained) and not any("out_proj" in key for key in trained)
    assert all(grad is not None and grad.abs().max() > 0 for grad in trained.values())


def test_rwkv_answers_over_four_bits(workspace):
    zoo.write("rwkv", workspace.models_dir / "rwkv")
    base = load_base(ModelSettings(id="rwkv"), workspace, ADAPTERS["qlora"](), torch.float32).eval()
    logits = base(input_ids=torch.arange(20, 30)[None], use_cache=False).logits
    assert torch.isfinite(logits).all() and torch.equal(logits, base.train()(torch.arange(20, 30)[None]).logits)


@pytest.mark.parametrize("name", ["mamba", "gemma3n_text", "llama"])
def test_in_four_bits_are_those_layers_that_the_model_calls(name, workspace):
    from bitsandbytes.nn import Linear4bit

    zoo.write(name, workspace.models_dir / name)
    base = load_base(ModelSettings(id=name), workspace, ADAPTERS["qlora"](), torch.float32)
    quantized = {each.rpartition(".")[2] for each, layer in base.named_modules() if isinstance(layer, Linear4bit)}
    assert quantized and not quantized & {"dt_proj", "x_proj", "correction_coefs", "prediction_coefs", "lm_head"}
    logits = base(input_ids=torch.arange(20, 30)[None], use_cache=False).logits
    exact = zoo.model(name)(input_ids=torch.arange(20, 30)[None], use_cache=False).logits
    assert torch.corrcoef(torch.stack([logits.flatten(), exact.flatten()]))[0, 1] > 0.8
