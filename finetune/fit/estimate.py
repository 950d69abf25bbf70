"""Will it fit, and how long will it take: an estimate from the model's config alone, before any weight is loaded.

Memory is what ``fit.profile`` finds for one step on the longest rows, plus what each kind of device adds to it.
On a CPU the estimate is the growth of this process's resident memory over the run, from before the model is loaded
with the libraries loaded already; on a GPU it is the peak that PyTorch allocates plus the driver's own share.
Measured on a CPU only (``assets/lab.md`` has the table); nothing was measured on a GPU.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.adapters import Adapter
from finetune.adapters.experts import active, fused
from finetune.data.blocks import in_blocks
from finetune.data.counts import Counts
from finetune.errors import FinetuneError
from finetune.fit.capacity import FITS, sentence, usual_gpus, verdict
from finetune.fit.time import Work, seconds
from finetune.format import rough_duration
from finetune.machine import hardware
from finetune.models.preview import folder_of, known
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.defaults import Defaults, choose_defaults

if TYPE_CHECKING:
    from finetune.fit.profile import Step

CONTEXT_BYTES = {"cuda": 600 * 2**20, "mps": 300 * 2**20}
"""What the driver's context and kernels take beside PyTorch's own count (typical values, not measured here)."""
BUFFERS_BYTES = 75 * 10**6
"""What a CPU run adds whatever its size: parts of the libraries that load late, and buffers of the matrix library."""
GAPS = 0.25
"""Gaps that freed blocks leave in glibc's heap, per byte in blocks that come from it (this and the amount above fitted
to 48 measured runs, 64 to 1,024 tokens, 5 to 494 M parameters). One recipe alone took 652 to 734 MB."""
COMPRESSED_BYTES = 60 * 10**6
"""What a 4-bit base adds to that on a CPU (fitted to 16 of them): its layers are dequantized and dropped again."""
MEASURED = "The memory of this combination of method, model and adapter can only be measured."
FILL = 0.95
"""How full packed sequences are."""


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
    """Seconds it takes, roughly and rather too long than too short; None without the number of tokens."""
    verdict: str = ""
    """``fits``, ``tight`` or ``won't fit``; empty if it cannot be told."""
    gpus: dict[str, str] = field(default_factory=dict)
    """The verdict for each usual GPU, in bf16 unless the recipe asks otherwise."""


@dataclass(frozen=True)
class ModelSize:
    """What a model's config says of its size."""

    parameters: int
    linear: int
    """Weights of the layers' linear maps that a token goes through."""
    quantizable: int
    """Those that 4 bits quantize: linear layers, no experts that are stored as one tensor."""
    layers: int
    hidden: int
    vocabulary: int
    context: int | None


def estimate_fit(recipe: Recipe, workspace: Workspace, counts: Counts = Counts(), gpus: bool = True) -> Fit:
    """The fit of ``recipe`` with training data of these ``counts``.

    What is not known of the rows is taken to be as large as the recipe allows. Nothing is fetched for it: of a model
    that is not on this machine and was not inspected either, the fit says that it cannot be known (``fits`` is False
    and the numbers are 0).
    Nor can it where a model's own code does not run without its data: ``estimate_bytes`` is then 0. Without ``gpus``
    the usual GPUs are left out, which takes half the time.
    """
    machine = hardware.machine()
    available = hardware.free_bytes(machine)
    folder = folder_of(recipe.model, workspace)
    if folder is None:
        return Fit(0, 0, 0, available, False, _unknown(recipe))
    try:
        size = _size(folder)
        trainable = _trainable(folder, recipe.adapter, size.layers)
    except FinetuneError:
        raise
    except Exception:  # whatever a model's own code raises: what is wrong with it is said where it is loaded
        return Fit(0, 0, 0, available, False, MEASURED)
    precision = hardware.choose_precision(machine, recipe.training.precision).value
    seen = _as_cut(recipe, counts, size.context)
    defaults = choose_defaults(recipe, _lengths(seen), size.hidden)
    needed = _needed(recipe, folder, _step(recipe, defaults, seen, machine.device, precision), machine.device)
    took = None
    if counts.tokens and counts.rows and recipe.method.profiled:
        took = seconds(_work(recipe, size, trainable, defaults, seen, machine.device), machine.device, precision)
    if needed is None:
        words = f"{MEASURED} It takes about {rough_duration(took)}." if took else MEASURED
        return Fit(size.parameters, trainable, 0, available, False, words, took)
    on_gpus = gpu_bytes(recipe, folder, counts) if gpus else None
    others = usual_gpus(on_gpus) if on_gpus else {}
    word = verdict(needed, available)
    words = sentence(needed, available, took, recipe.adapter.weight_bits > 4)
    return Fit(size.parameters, trainable, needed, available, word == FITS, words, took, word, others)


def _unknown(recipe: Recipe) -> str:
    found = known(recipe.model)
    why = f" {found.problem.message}" if found and found.problem else ""
    return f"Memory and time can be told once the model is inspected.{why}"


def gpu_bytes(recipe: Recipe, folder: Path, counts: Counts = Counts()) -> int | None:
    """Bytes of an NVIDIA GPU that ``recipe`` takes with the model in ``folder``; None if it can only be measured.

    In bf16 unless the recipe asks for fp32, whatever this machine has.
    """
    size = _size(folder)
    seen = _as_cut(recipe, counts, size.context)
    precision = "fp32" if recipe.training.precision == "fp32" else "bf16"
    defaults = choose_defaults(recipe, _lengths(seen), size.hidden)
    return _needed(recipe, folder, _step(recipe, defaults, seen, "cuda", precision), "cuda")


def _as_cut(recipe: Recipe, counts: Counts, context: int | None) -> Counts:
    """``counts`` of rows truncated as they will be, with a length that is not known at its most."""
    length = min(recipe.training.length, context or recipe.training.length)
    if recipe.method.joins_texts:
        return in_blocks(replace(counts, rows=counts.rows or 1), length)
    seen = replace(counts, rows=counts.rows or 1, longest=min(counts.longest or length, length))
    return replace(seen, trained=seen.tokens, most_trained=seen.longest) if recipe.method.trains_all else seen


def _lengths(seen: Counts) -> list[int]:
    """Lengths with this longest and this sum."""
    if not seen.tokens or seen.rows == 1:
        return [seen.longest] * seen.rows
    others = max(1, min(seen.longest, (seen.tokens - seen.longest) // (seen.rows - 1)))
    return [seen.longest, *[others] * (seen.rows - 1)]


def _step(recipe: Recipe, defaults: Defaults, seen: Counts, device: str, precision: str) -> "Step":
    """The step on the longest rows there are, with ``precision`` on ``device``."""
    from finetune.fit.profile import Step
    from finetune.training.trainer import base_dtype, computes_in_16_bits

    micro = min(defaults.micro_batch, seen.rows)
    method = recipe.method
    sequences = micro * method.sequences_per_row
    if defaults.pack:
        share = sum(_lengths(seen)) / (FILL * seen.longest * seen.rows)
        sequences = max(1, round(micro * share))
    return Step(
        sequences=sequences,
        length=max(2, seen.longest),
        trained_share=_trained_share(seen, defaults.pack, method.sequences_per_row),
        mixed_precision=computes_in_16_bits(precision),
        base_dtype=base_dtype(precision, recipe.adapter.trains_base()),
        masked=defaults.pack or sequences > 1,
        activation_checkpointing=bool(recipe.training.activation_checkpointing),
        optimizer_in_8_bits=recipe.training.optimizer == "adamw_8bit",
        accumulates=recipe.training.accumulation > 1,
        reference=method.has_reference,
        evaluated_sequences=micro * method.sequences_per_row,
        triton=device == "cuda",
    )


def _trained_share(seen: Counts, packed: bool, sequences: int) -> float:
    """Share of trained tokens in the longest batch, in twentieths, rather too high than too low.

    Packed rows have their common share; any padded one may have as many trained tokens as the row with the most.
    """
    if not (seen.most_trained and seen.tokens):
        return 1.0
    share = seen.trained / seen.tokens if packed else seen.most_trained / (seen.longest * sequences)
    return min(1.0, math.ceil(20 * share) / 20)


def _needed(recipe: Recipe, folder: Path, step: "Step", device: str) -> int | None:
    """Bytes that a run of such steps takes on ``device``; None where the dry run cannot tell.

    While weights are quantized to 4 bits on a CPU, all that was read of their files is in memory beside them.
    """
    if not (recipe.adapter.profiled and recipe.method.profiled):
        return None
    from finetune.fit.profile import profile_step

    try:
        found = profile_step(folder, recipe.adapter, step)
    except Exception:  # a model's own code may ask for values, which the dry run has not
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


def _epochs(recipe: Recipe, defaults: Defaults, rows: int) -> float:
    """Epochs over ``rows`` before the last step; a number of steps holds whatever the epochs say."""
    if not recipe.training.max_steps:
        return defaults.epochs
    return recipe.training.max_steps * defaults.batch_size / rows


def _work(recipe: Recipe, size: ModelSize, trainable: int, defaults: Defaults, seen: Counts, device: str) -> Work:
    """What the whole run has to do on ``device``: steps and evaluations."""
    method, quantized = recipe.method, recipe.adapter.weight_bits == 4
    again = bool(recipe.training.activation_checkpointing) + method.extra_passes
    times, watched = _epochs(recipe, defaults, seen.rows), recipe.evaluation
    steps = math.ceil(times * seen.rows / defaults.batch_size)
    evaluations = watched.evaluated_after(steps)
    tokens = seen.tokens * method.padding
    return Work(
        layers=size.layers,
        hidden=size.hidden,
        vocabulary=size.vocabulary,
        linear=size.linear,
        passes=3 + again,
        matrix_passes=(3 if recipe.adapter.trains_base() else 2) + again,
        trainable=trainable,
        steps=steps,
        batches=times * seen.rows / min(defaults.micro_batch, seen.rows),
        tokens=times * tokens,
        scored_share=_scored(seen, tokens, device),
        evaluations=len(evaluations) + 1 if evaluations else 0,
        evaluated_batches=math.ceil(seen.held_out / defaults.micro_batch),
        evaluated_tokens=seen.held_out * tokens / seen.rows,
        evaluated_passes=1 + method.extra_passes,
        answer_tokens=watched.max_tokens,
        saves=_planned_saves(recipe.training.save_steps, steps, evaluations),
        saves_by_time=not recipe.training.save_steps,
        saved_bytes=12 * trainable,
        model_bytes=4 * trainable,
        quantized=size.quantizable if quantized else 0,
    )


def _scored(seen: Counts, tokens: float, device: str) -> float:
    """Share of an epoch's ``tokens``, padding included, whose logits are computed on ``device``; 1 if not known."""
    import torch

    from finetune.training.trainer import scores_trained_tokens_only

    if not seen.trained or not scores_trained_tokens_only(torch.device(device)):
        return 1.0
    return min(1.0, seen.trained / tokens)


def _planned_saves(every: int | None, steps: int, evaluations: set[int]) -> int:
    """Checkpoints at steps that are known beforehand: evaluations, and ``every`` so many where the recipe says so."""
    if not every:
        return len(evaluations)
    return steps // every + sum(step % every != 0 for step in evaluations)


@cache
def _size(folder: Path) -> ModelSize:
    import torch

    from finetune.adapters.full import Full
    from finetune.fit.profile import empty
    from finetune.models.skeleton import config_of

    config, model = config_of(folder), empty(folder, Full())
    head = model.get_output_embeddings()
    layers = [layer for layer in model.get_decoder().modules() if isinstance(layer, torch.nn.Linear)]
    linear = sum(layer.weight.numel() for layer in layers if layer is not head)
    # A token goes through a few of the experts only.
    experts = sum(weight.numel() * active(model) // len(weight) for weight in fused(model).values())
    return ModelSize(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        linear=linear + experts,
        quantizable=linear,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
    )


@cache
def _trainable(folder: Path, adapter: Adapter, layers: int) -> int:
    """Trained parameters: PEFT attaches its adapter to the empty model, and they are counted.

    Some of its types look at values, which an empty model has not. Then one and two layers are made, and counted on.
    """
    from finetune.fit.profile import empty

    def count(model) -> int:
        return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)

    try:
        return count(empty(folder, adapter))
    except (RuntimeError, NotImplementedError):
        one, two = (count(empty(folder, adapter, layers=few, device="cpu")) for few in (1, 2))
        return one + (layers - 1) * (two - one)
