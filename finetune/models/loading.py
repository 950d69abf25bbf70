"""Weights in: the base model of a recipe, and the tuned model of a run.

Safetensors only; code that comes with a model is never run.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from finetune.adapters import Adapter, own, targets
from finetune.compat import tied_weights
from finetune.errors import ModelError, RunError
from finetune.machine.malloc import large_blocks_apart
from finetune.models.architecture import DEQUANTIZED, KEPT, Architecture, architecture
from finetune.models.continuation import trainable_adapter
from finetune.models.files import read_config, require_safe_adapter
from finetune.models.locate import locate
from finetune.models.reading import from_files, require_complete, require_reads_text
from finetune.models.skeleton import skeleton
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
    require_safe_adapter(run.model_dir)
    own.register()
    base = load_base(run.as_trained.model, workspace, adapter, dtype, device)
    return require_whole_adapter(trainable_adapter(base, run.model_dir), run.model_dir, "default")


def require_model(run: Run) -> Run:
    """``run``, if a tuned model can be read from it; ``RunError`` if not."""
    if not run.model_dir.is_dir() or not any(run.model_dir.glob("*.safetensors")):
        raise RunError(
            f"Run {run.id} has no tuned model yet.",
            "Choose a run that has finished, or that was stopped and kept its model.",
        )
    return run


def load_weights(folder: Path, dtype, device: str, quantization=None):
    """The language model in ``folder`` with all that it reads beside text, on ``device``, in eval mode."""
    found = architecture(read_config(folder, folder.name), folder.name)
    if quantization is None and found.quantization != KEPT:
        return _ready(_read(folder, found, dtype, device), folder, found)
    with large_blocks_apart() if device == "cpu" else nullcontext():
        model = _read(folder, found, dtype, device, quantization)
        if device == "cpu":
            leave_files(model)
    keep_gradients(model)
    return _ready(model, folder, found)


def _ready(model, folder: Path, found: Architecture):
    """``model`` in eval mode; ``ModelError`` if it reads pictures and no text without them."""
    model.eval()
    if found.reads_pictures and model.device.type != "meta":
        require_reads_text(model, folder.name)
    return model


def with_adapter(base, folder: Path, name: str = "default"):
    """A ``PeftModel``: ``base`` with the adapter in ``folder``, called ``name``; ``ModelError`` unless it is whole."""
    from peft import PeftModel

    require_safe_adapter(folder)
    own.register()
    return require_whole_adapter(PeftModel.from_pretrained(base, str(folder), adapter_name=name), folder, name)


def require_whole_adapter(tuned, folder: Path, name: str):
    """``tuned``, a ``PeftModel``, if each tensor of its adapter ``name`` is in ``folder``; ``ModelError`` if not.

    PEFT itself only warns of one that is not there, and leaves that layer without a change.
    """
    from peft import get_peft_model_state_dict, load_peft_weights

    stored = load_peft_weights(str(folder), device="cpu")
    wanted = get_peft_model_state_dict(tuned, adapter_name=name, save_embedding_layers=False)
    if missing := sorted(wanted.keys() - stored.keys()):
        raise ModelError(
            f"The adapter in {folder} lacks {len(missing):,} of its {len(wanted):,} tensors, such as {missing[0]}.",
            "Train again, or restore the folder: the model would answer as if those layers had not been trained.",
        )
    return tuned


def kept_whole(folder: Path) -> list[str]:
    """The layers of the model in ``folder`` that stay as they are while it is quantized; empty for Transformers' own.

    Beside those that Transformers leaves (the head, tied weights), layers that no quantized one can replace.
    """
    model = skeleton(folder)
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
    if quantization is not None and getattr(model.config, "rescale_every", 0):
        # RWKV halves weights to answer in fp16 without an overflow, and cannot where they are quantized.
        model.config.rescale_every = 0
    return model


def leave_files(model) -> None:
    """Copy the weights that are not quantized out of the memory-mapped files of ``model``, which frees the files.

    Such weights lie in the files' own pages. Even one of them keeps all pages of its file in memory, including those
    of the weights that were quantized (measured: 250 MB with 191 M parameters).
    """
    from bitsandbytes.nn import Int8Params, Params4bit

    for weight in model.parameters():
        if not isinstance(weight, (Params4bit, Int8Params)):
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
