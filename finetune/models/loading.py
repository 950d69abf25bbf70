"""Weights in: the base model of a recipe, and the tuned model of a run.

Safetensors only; code that comes with a model is never run.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from finetune.adapters import Adapter, targets
from finetune.compat import tied_weights
from finetune.errors import RunError
from finetune.machine.malloc import large_blocks_apart
from finetune.models.architecture import DEQUANTIZED, KEPT, Architecture, architecture
from finetune.models.continuation import trainable_adapter
from finetune.models.files import read_config
from finetune.models.locate import locate
from finetune.models.reading import from_files, require_complete
from finetune.recipe import ModelSettings
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def load_base(settings: ModelSettings, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The base model on ``device``, in ``dtype`` (or in the adapter's quantization), in eval mode."""
    return load_weights(locate(settings, workspace), dtype, device, adapter.quantization())


def load_tuned(run: Run, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The tuned model of ``run``, to be trained further with ``adapter``; ``RunError`` if it has none."""
    require_model(run)
    if adapter.trains_base():
        return load_weights(run.model_dir, dtype, device)
    return trainable_adapter(load_base(run.recipe.model, workspace, adapter, dtype, device), run.model_dir)


def require_model(run: Run) -> Run:
    """``run``, if a tuned model can be read from it; ``RunError`` if not."""
    if not run.model_dir.is_dir() or not any(run.model_dir.glob("*.safetensors")):
        raise RunError(
            f"Run {run.id} has no tuned model yet.",
            "Choose a run that has finished, or that was stopped and kept its model.",
        )
    return run


def load_weights(folder: Path, dtype, device: str, quantization=None):
    """The causal language model in ``folder``, on ``device``, in eval mode."""
    found = architecture(read_config(folder, folder.name), folder.name)
    if quantization is None and found.quantization != KEPT:
        return _read(folder, found, dtype, device).eval()
    with large_blocks_apart() if device == "cpu" else nullcontext():
        model = _read(folder, found, dtype, device, quantization)
        if device == "cpu":
            leave_files(model)
    keep_gradients(model)
    return model.eval()


def kept_whole(folder: Path) -> list[str]:
    """The layers of the model in ``folder`` that stay as they are while it is quantized; empty for Transformers' own.

    Beside those that Transformers leaves (the head, tied weights), layers that no quantized one can replace.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    head = [name for name, part in model.named_modules() if part is model.get_output_embeddings()]
    tied = [name.removesuffix(".weight") for pair in tied_weights(model).items() for name in pair]
    found = targets.kept_whole(model)
    return sorted({*found, *head, *tied}) if found else []


def _read(folder: Path, found: Architecture, dtype, device: str, quantization=None):
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if quantization is not None:
        quantization.llm_int8_skip_modules = kept_whole(folder) or None
        options["quantization_config"] = quantization
    elif found.quantization in DEQUANTIZED:
        import transformers

        options["quantization_config"] = getattr(transformers, DEQUANTIZED[found.quantization])(dequantize=True)
    model, info = from_files(folder, folder.name, **options)
    require_complete(info, folder.name)
    return model


def leave_files(model) -> None:
    """Copy the weights that are not quantized out of the memory-mapped files of ``model``, which frees the files.

    Such weights lie in the files' own pages. Even one of them keeps all pages of its file in memory, including those
    of the weights that were quantized (measured: 250 MB with 191 M parameters).
    """
    from bitsandbytes.nn import Params4bit

    for weight in model.parameters():
        if not isinstance(weight, Params4bit):
            weight.data = weight.data.clone()
    for buffer in model.buffers():
        buffer.data = buffer.data.clone()


def keep_gradients(model) -> None:
    """Keep 4-bit layers differentiable on CPUs with bf16 instructions.

    bitsandbytes repacks them on the first forward pass in eval mode, and the repacked path returns no gradient for
    the layer's input: LoRA's gradients then point elsewhere (cosine 0.23) while the loss still falls.
    """
    from bitsandbytes.nn import Linear4bit

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False
