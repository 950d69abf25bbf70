import gc
import os
import sys
from pathlib import Path

from finetune.adapters import ADAPTERS
from finetune.models.loading import load_base
from finetune.recipe import ModelSettings

TINY = ModelSettings(id="tiny")


def test_four_bit_layers_stay_differentiable_after_an_evaluation(with_tiny):
    import torch

    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    ids = torch.arange(8)[None]
    with torch.no_grad():
        base(input_ids=ids)
    inputs = base.get_input_embeddings()(ids).detach().requires_grad_()
    base.model.layers[0].mlp(inputs).sum().backward()
    assert inputs.grad is not None and inputs.grad.abs().sum() > 0


def test_a_quantized_model_frees_its_files(with_tiny):
    import torch

    file = str(with_tiny.models_dir / "tiny" / "model.safetensors")
    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    plain = load_base(TINY, with_tiny, ADAPTERS["lora"](), torch.bfloat16)
    assert torch.equal(base.get_input_embeddings().weight, plain.get_input_embeddings().weight)
    assert base.get_output_embeddings().weight is base.get_input_embeddings().weight
    if sys.platform == "linux":
        del plain
        gc.collect()
        assert os.path.realpath(file) not in Path("/proc/self/maps").read_text()
