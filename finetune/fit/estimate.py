"""Will it fit, and how long will it take: an estimate from the model's config alone, before any weight is loaded.

Memory is what ``fit.profile`` finds for one step on the longest rows, plus what each kind of device adds to it.
On a CPU the estimate is the growth of this process's resident memory over the run, from before the model is loaded
with the libraries there already; on a card it is the peak that PyTorch allocates plus the driver's own share.
Measured on a CPU only (``assets/decisions.md`` has the table); nothing was measured on a GPU.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.adapters import Adapter
from finetune.compat import data_dependent_errors
from finetune.data.counts import Counts
from finetune.fit.capacity import FITS, sentence, usual_gpus, verdict
from finetune.fit.time import Work, seconds
from finetune.machine import hardware
from finetune.model import HUB_ID, locate
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.workspace import Workspace
from finetune.training.defaults import Plan, plan

if TYPE_CHECKING:
    from finetune.fit.profile import Step

CONTEXT_BYTES = {"cuda": 600 * 2**20, "mps": 300 * 2**20}
"""What the driver's context and kernels take beside PyTorch's own count (typical values, not measured here)."""
BUFFERS_BYTES = 75 * 10**6
"""What a CPU run adds whatever its size: parts of the libraries that load late, and buffers of the matrix library."""
GAPS = 0.25
"""Gaps that freed blocks leave in glibc's heap, per byte in blocks that come from it (this and the amount above fitted
to 48 measured runs, 64 to 1,024 tokens, 5 to 494 M parameters). Partly chance: one recipe took 652 to 734 MB."""
COMPRESSED_BYTES = 60 * 10**6
"""What a base in 4 bits adds to that on a CPU (fitted to 16 of them): its layers are unpacked and dropped again."""
FILL = 0.95
"""How full packed sequences are."""
PADDED, PAIRED = 1.05, 1.2
"""What a batch holds per token of its rows, padding counted: the shorter answer of a pair gets as long as the longer
(measured: 1.01 and 1.00 for the samples of answers, 1.18 for the sample of pairs)."""


@dataclass(frozen=True)
class Fit:
    """Whether a run fits this machine."""

    parameters: int
    trainable: int
    estimate_bytes: int
    available_bytes: int
    fits: bool
    """True if it does with some to spare."""
    sentence: str
    """All of it in plain English."""
    seconds: float | None = None
    """How long it takes, roughly and rather too long than too short; None without the number of tokens."""
    verdict: str = ""
    """``fits``, ``tight`` or ``won't fit``; empty if it cannot be told."""
    cards: dict[str, str] = field(default_factory=dict)
    """The verdict for each usual card, in bf16 unless the recipe asks otherwise."""


@dataclass(frozen=True)
class Shape:
    """What a model's config says of its size."""

    parameters: int
    linear: int
    """Weights of the layers' linear maps: what 4 bits compress, and what an add-on sits beside."""
    layers: int
    hidden: int
    vocabulary: int
    context: int | None


def estimate(recipe: Recipe, workspace: Workspace, counts: Counts = Counts(), cards: bool = True) -> Fit:
    """The fit of ``recipe`` with so much to learn from.

    What is not known of the rows is taken to be as large as the recipe allows. A model that is not on this machine
    is not fetched for it: the fit then says that it cannot be known (``fits`` is False and the numbers are 0).
    Without ``cards`` the usual cards are left out, which takes half the time.
    """
    machine = hardware.machine()
    available = hardware.free_bytes(machine)
    folder = on_this_machine(recipe.model, workspace)
    if folder is None:
        return Fit(0, 0, 0, available, False, "Memory and time can be told once the model is on this machine.")
    shape, trainable = _shape(folder), _trainable(folder, recipe.adapter)
    precision = hardware.choose_precision(machine, recipe.training.precision).value
    seen = _as_cut(recipe, counts, shape.context)
    settled = plan(recipe, _lengths(seen), shape.hidden)
    on_card = "fp32" if recipe.training.precision == "fp32" else "bf16"
    needed = _needed(recipe, folder, _step(recipe, settled, seen, machine.device, precision), machine.device)
    if needed is None:
        words = "The memory of a model of this kind can only be measured."
        return Fit(shape.parameters, trainable, 0, available, False, words)
    others = {}
    if cards:
        others = usual_gpus(_needed(recipe, folder, _step(recipe, settled, seen, "cuda", on_card), "cuda"))
    took = None
    if counts.tokens and counts.rows:
        took = seconds(_work(recipe, shape, trainable, settled, seen, machine.device), machine.device, precision)
    word = verdict(needed, available)
    words = sentence(needed, available, took, recipe.adapter.weight_bits > 4)
    return Fit(shape.parameters, trainable, needed, available, word == FITS, words, took, word, others)


def _as_cut(recipe: Recipe, counts: Counts, context: int | None) -> Counts:
    """``counts`` of rows that are cut as they will be, with a length that is not known at its most."""
    length = min(recipe.training.length, context or recipe.training.length)
    seen = replace(counts, rows=counts.rows or 1, longest=min(counts.longest or length, length))
    return replace(seen, trained=seen.tokens, most_trained=seen.longest) if recipe.method.trains_all else seen


def _lengths(seen: Counts) -> list[int]:
    """Lengths with this longest and this sum."""
    if not seen.tokens or seen.rows == 1:
        return [seen.longest] * seen.rows
    others = max(1, min(seen.longest, (seen.tokens - seen.longest) // (seen.rows - 1)))
    return [seen.longest, *[others] * (seen.rows - 1)]


def _step(recipe: Recipe, settled: Plan, seen: Counts, device: str, precision: str) -> "Step":
    """The step on the longest rows there are, with ``precision`` on ``device``."""
    from finetune.fit.profile import Step
    from finetune.training.trainer import base_dtype, computes_in_16_bits

    micro = min(settled.micro_batch, seen.rows)
    pairs = recipe.method.type == "dpo"
    sequences = micro * (2 if pairs else 1)
    if settled.pack:
        share = sum(_lengths(seen)) / (FILL * seen.longest * seen.rows)
        sequences = max(1, round(micro * share))
    return Step(
        sequences=sequences,
        length=max(2, seen.longest),
        trained=_trained_share(seen, settled.pack, pairs),
        half=computes_in_16_bits(precision),
        base_dtype=base_dtype(precision, recipe.adapter.trains_base()),
        masked=settled.pack or sequences > 1,
        checkpointing=bool(recipe.training.activation_checkpointing),
        moments_in_8_bits=recipe.training.optimizer == "adamw_8bit",
        accumulates=recipe.training.accumulation > 1,
        reference=pairs,
        checked=micro * (2 if pairs else 1),
        triton=device == "cuda",
    )


def _trained_share(seen: Counts, packed: bool, pairs: bool) -> float:
    """Share of the positions of the longest batch that carry loss, in twentieths, rather too many than too few.

    Packed rows are learnt in their common share; any padded one may have as much to learn as the row with the most.
    """
    if not (seen.most_trained and seen.tokens):
        return 1.0
    share = seen.trained / seen.tokens if packed else seen.most_trained / (seen.longest * (2 if pairs else 1))
    return min(1.0, math.ceil(20 * share) / 20)


def _needed(recipe: Recipe, folder: Path, step: "Step", device: str) -> int | None:
    """Bytes that a run of such steps takes on ``device``; None for a model that cannot be rehearsed.

    While weights are compressed to 4 bits on a CPU, all that was read of their files is in memory beside them.
    """
    from finetune.fit.profile import profile_step

    try:
        found = profile_step(folder, recipe.adapter, step)
    except data_dependent_errors():
        return None
    if device != "cpu":
        return found.peak_bytes + CONTEXT_BYTES[device]
    learning = BUFFERS_BYTES + found.peak_bytes + int(GAPS * found.small_bytes)
    if recipe.adapter.weight_bits > 4:
        return learning
    loading = BUFFERS_BYTES + found.weights_bytes + _files_bytes(folder)
    return max(loading, learning + COMPRESSED_BYTES)


def _files_bytes(folder: Path) -> int:
    """Of the files that Transformers reads; some models come with another copy of their weights."""
    return sum(file.stat().st_size for file in folder.glob("model*.safetensors"))


def _epochs(recipe: Recipe, settled: Plan, rows: int) -> float:
    """How often ``rows`` are read before the last step; a number of steps holds whatever the epochs say."""
    if not recipe.training.max_steps:
        return settled.epochs
    return recipe.training.max_steps * settled.batch_size / rows


def _work(recipe: Recipe, shape: Shape, trainable: int, settled: Plan, seen: Counts, device: str) -> Work:
    """What the whole run has to do on ``device``: steps, and its looks at itself."""
    pairs, quantized = recipe.method.type == "dpo", recipe.adapter.weight_bits == 4
    again = bool(recipe.training.activation_checkpointing) + pairs
    times, watched = _epochs(recipe, settled, seen.rows), recipe.evaluation
    steps = math.ceil(times * seen.rows / settled.batch_size)
    checks = watched.checked_after(steps)
    tokens = seen.tokens * (PAIRED if pairs else PADDED)
    return Work(
        layers=shape.layers,
        hidden=shape.hidden,
        words=shape.vocabulary,
        linear=shape.linear,
        passes=3 + again,
        products=(3 if recipe.adapter.trains_base() else 2) + again,
        trained=trainable,
        steps=steps,
        batches=times * seen.rows / min(settled.micro_batch, seen.rows),
        tokens=times * tokens,
        scored=_scored(seen, tokens, device),
        looks=len(checks) + 1 if checks else 0,
        checked_batches=math.ceil(seen.held_out / settled.micro_batch),
        checked_tokens=seen.held_out * tokens / seen.rows,
        checked_passes=2 if pairs else 1,
        answer_tokens=watched.max_tokens,
        saves=_planned_saves(recipe.training.save_steps, steps, checks),
        saves_by_time=not recipe.training.save_steps,
        saved_bytes=12 * trainable,
        model_bytes=4 * trainable,
        compressed=shape.linear if quantized else 0,
    )


def _scored(seen: Counts, tokens: float, device: str) -> float:
    """Share of an epoch's ``tokens``, padding among them, that are scored on ``device``; all if it is not known."""
    import torch

    from finetune.training.trainer import scores_trained_tokens_only

    if not seen.trained or not scores_trained_tokens_only(torch.device(device)):
        return 1.0
    return min(1.0, seen.trained / tokens)


def _planned_saves(every: int | None, steps: int, checks: set[int]) -> int:
    """Checkpoints after steps that are known beforehand: each check, and ``every`` so many where the recipe says so."""
    if not every:
        return len(checks)
    return steps // every + sum(step % every != 0 for step in checks)


def on_this_machine(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The model's folder if it is on this machine, without asking the network."""
    if not HUB_ID.fullmatch(settings.id):
        return locate(settings, workspace)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(settings.id, "config.json", revision=settings.revision)
    return Path(found).parent if isinstance(found, str) else None


@cache
def _shape(folder: Path) -> Shape:
    import torch

    from finetune.adapters.full import Full
    from finetune.fit.profile import config_of, empty

    config, model = config_of(folder), empty(folder, Full())
    head = model.get_output_embeddings()
    linear = sum(
        layer.weight.numel() for layer in model.modules() if isinstance(layer, torch.nn.Linear) and layer is not head
    )
    return Shape(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        linear=linear,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
    )


@cache
def _trainable(folder: Path, adapter: Adapter) -> int:
    """Parameters that move: PEFT attaches its add-on to the empty model, and they are counted."""
    from finetune.fit.profile import empty

    return sum(parameter.numel() for parameter in empty(folder, adapter).parameters() if parameter.requires_grad)
