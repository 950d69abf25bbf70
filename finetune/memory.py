"""Will it fit, and how long will it take: an estimate from the model's config alone, before any weight is loaded.

Everything is counted on torch's meta device, where a model has shapes and no memory. It is an estimate: the parts
were within 20 % of what was measured on models of 5 to 80 M parameters, and nothing was measured on a GPU.
"""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finetune import hardware
from finetune.adapters import Adapter
from finetune.model import HUB_ID, locate
from finetune.plan import Plan, plan
from finetune.recipe import ModelSettings, Recipe
from finetune.workspace import Workspace

GIB = 2**30
MARGIN = 1.15
"""What is asked to be free per byte estimated; the worst estimate so far was 17 % low (pure bf16, 76 M parameters)."""
OVERHEAD_BYTES = {"cuda": 600 * 2**20, "mps": 300 * 2**20, "cpu": 200 * 2**20}
"""Work space of the libraries: the CUDA context and kernels, or buffers of the CPU's matrix library."""
CHUNK_TOKENS = 256
"""Tokens whose logits exist at once: TRL computes the head in chunks and keeps none of them."""
EFFICIENCY = 0.3
"""Share of the machine's matrix speed that training reaches (5 M parameters, 2 cores: 0.2 to 0.4)."""
START_S = 10
"""Loading libraries and model, reading the data, and saving."""


@dataclass(frozen=True)
class Fit:
    """Whether a run fits this machine."""

    parameters: int
    trainable: int
    estimate_bytes: int
    available_bytes: int
    fits: bool
    sentence: str
    """All of it in plain English."""
    seconds: float | None = None
    """How long it takes, roughly; None without the number of tokens."""


@dataclass(frozen=True)
class Shape:
    """What a model's config says of its size."""

    parameters: int
    linear: int
    """Weights of the layers' linear maps: what 4 bits compress, and what an add-on sits beside."""
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int


def estimate(
    recipe: Recipe, workspace: Workspace, rows: int | None = None, longest: int | None = None, tokens: int | None = None
) -> Fit:
    """The fit of ``recipe``: ``rows`` to learn from, the ``longest`` of them in tokens, and all their ``tokens``.

    Without ``longest``, every row is taken to be as long as the recipe allows. A model that is not on this machine
    is not fetched for it: the fit then says that it cannot be known (``fits`` is False and the numbers are 0).
    """
    machine = hardware.machine()
    available = hardware.free_bytes(machine)
    folder = _folder(recipe.model, workspace)
    if folder is None:
        return Fit(0, 0, 0, available, False, "Memory and time can be told once the model is on this machine.")
    config = _config(folder)
    shape = _shape(folder)
    trainable = _trainable(folder, recipe.adapter)
    precision = hardware.choose_precision(machine, recipe.training.precision).value
    context = getattr(config, "max_position_embeddings", None) or recipe.training.length
    length = min(recipe.training.length, longest or recipe.training.length, context)
    settled = plan(recipe, [length] * (rows or 1), shape.hidden)
    sequences = settled.micro_batch * (2 if recipe.method.type == "dpo" else 1)
    needed = (
        state_bytes(recipe, shape, trainable, precision)
        + activation_bytes(recipe, shape, sequences * length, precision)
        + OVERHEAD_BYTES[machine.device]
    )
    seconds = None
    if tokens and rows:
        seconds = _seconds(recipe, shape, tokens * _epochs(recipe, settled, rows), _flops(machine.device, precision))
    fits = needed * MARGIN <= available
    return Fit(
        shape.parameters,
        trainable,
        needed,
        available,
        fits,
        _sentence(recipe, needed, available, fits, seconds),
        seconds,
    )


def state_bytes(recipe: Recipe, shape: Shape, trainable: int, precision: str) -> int:
    """Bytes that stay for the whole run: weights, gradients and AdamW's two moments.

    Full: 16 per parameter (fp32 weight 4, gradient 4, moments 8; Rajbhandari et al. 2020, sect. 3.1), 2 more while
    autocast keeps a half-precision copy, and 4 more for DPO's untouched reference. LoRA: the frozen base, and 16 per
    parameter of the add-on. 4-bit base (Dettmers et al. 2023, sect. 3): half a byte per linear weight and a scale per
    64 of them (4 bytes, or 1 and 4/256 with double quantisation); the rest stays at 2 bytes.
    """
    half = precision != "fp32"
    adapter = recipe.adapter
    if adapter.trains_base():
        reference = 4 if recipe.method.type == "dpo" else 0
        return shape.parameters * (16 + (2 if half else 0) + reference)
    if adapter.weight_bits == 4:
        scale = (1 + 4 / 256) / 64 if getattr(adapter, "double_quantisation", False) else 4 / 64
        base = shape.linear * (0.5 + scale) + (shape.parameters - shape.linear) * 2
    else:
        base = shape.parameters * (2 if half else 4)
    return int(base + 16 * trainable)


def activation_bytes(recipe: Recipe, shape: Shape, tokens: int, precision: str) -> int:
    """Bytes of what the backward pass needs of ``tokens`` at once, and of one chunk of logits.

    Per layer and token about 9 · hidden + 4 · intermediate numbers, which gives the 369 MB (fp32) and 204 MB (bf16)
    measured at 76 M parameters and 512 tokens; a third more with an add-on. With activation checkpointing (Chen et al.
    2016) only each layer's input is kept, and one layer is whole at a time. Logits: two fp32 copies of a chunk.
    """
    size = 2 if precision != "fp32" else 4
    one_layer = (9 * shape.hidden + 4 * shape.intermediate) * size
    if not recipe.adapter.trains_base():
        one_layer = one_layer * 4 // 3
    if recipe.training.activation_checkpointing:
        layers = shape.layers * shape.hidden * size + one_layer
    else:
        layers = shape.layers * one_layer
    return tokens * layers + 2 * 4 * min(tokens, CHUNK_TOKENS) * shape.vocabulary


def _epochs(recipe: Recipe, settled: Plan, rows: int) -> float:
    """How often ``rows`` are read before the last step."""
    if not recipe.training.max_steps:
        return settled.epochs
    return min(settled.epochs, recipe.training.max_steps * settled.batch_size / rows)


def _seconds(recipe: Recipe, shape: Shape, tokens: float, flops: float) -> float:
    """The time to train on ``tokens``, each reading counted: operations over speed.

    Per token and weight 6 operations (Kaplan et al. 2020, sect. 2.1), or 4 where frozen weights need no gradient.
    """
    per_weight = 6 if recipe.adapter.trains_base() else 4
    if recipe.training.activation_checkpointing:
        per_weight += 2
    if recipe.method.type == "dpo":
        per_weight += 2
    # The head is a linear map too, whether or not it shares its weights with the embedding.
    weights = shape.linear + shape.hidden * shape.vocabulary
    return START_S + tokens * per_weight * weights / (EFFICIENCY * flops)


@cache
def _flops(device: str, precision: str) -> float:
    """Multiplications and additions per second of a large matrix product, the best of 0.2 s."""
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
    size = 1024 if device == "cpu" else 4096
    a, b = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + 0.2
    while time.perf_counter() < until:
        began = time.perf_counter()
        float((a @ b)[0, 0])
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def _sentence(recipe: Recipe, needed: int, available: int, fits: bool, seconds: float | None) -> str:
    if fits:
        duration = f" About {_duration(seconds)}." if seconds else ""
        return f"Needs about {_gigabytes(needed)} of {_gigabytes(available)} GB: fits.{duration}"
    advice = []
    if recipe.adapter.trains_base():
        advice.append("LoRA or QLoRA")
    elif recipe.adapter.weight_bits > 4:
        advice.append("QLoRA")
    advice += ["a shorter length", "a smaller batch"]
    choices = " or ".join([", ".join(advice[:-1]), advice[-1]])
    free = _gigabytes(available)
    return f"Needs about {_gigabytes(needed)} GB with some to spare, but {free} GB are free: choose {choices}."


def _gigabytes(count: int) -> str:
    amount = count / GIB
    return f"{max(amount, 0.1):.1f}" if amount < 10 else f"{amount:.0f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _folder(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The model's folder if it is on this machine, without asking the network."""
    if not HUB_ID.fullmatch(settings.id):
        return locate(settings, workspace)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(settings.id, "config.json", revision=settings.revision)
    return Path(found).parent if isinstance(found, str) else None


@cache
def _config(folder: Path):
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_text_config()


def _empty(folder: Path):
    """The model in ``folder`` with shapes and no memory."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(_config(folder), trust_remote_code=False)


@cache
def _shape(folder: Path) -> Shape:
    import torch

    config, model = _config(folder), _empty(folder)
    head = model.get_output_embeddings()
    linear = sum(
        layer.weight.numel() for layer in model.modules() if isinstance(layer, torch.nn.Linear) and layer is not head
    )
    return Shape(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        linear=linear,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        intermediate=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
        vocabulary=config.vocab_size,
    )


@cache
def _trainable(folder: Path, adapter: Adapter) -> int:
    """Parameters that move: PEFT attaches its add-on to the empty model, and they are counted."""
    model = _empty(folder)
    if config := adapter.peft_config():
        from peft import get_peft_model

        model = get_peft_model(model, config)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
