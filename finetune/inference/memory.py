"""Whether columns fit in free memory, told before anything is loaded: a question never costs a training its memory."""

from collections.abc import Iterable
from pathlib import Path

from finetune import format
from finetune.errors import BusyError, ModelError
from finetune.inference.column import Column, asked_as, folder_of
from finetune.inference.untouched import Bases, dtype_of
from finetune.machine import hardware
from finetune.models.files import read_config, text_config, weights_of
from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, View
from finetune.runs.workspace import Workspace

MARGIN = 1.15
"""What has to be free beside a training per byte estimated, as ``fit`` asks of a run."""
ANSWER_BYTES = 80 * 10**6
"""What answering takes beside weights and caches, once: activations, logits, and buffers of the matrix library."""
CACHED_TOKENS = 2048
"""Tokens of one column that are kept as keys and values; a longer conversation takes more as it grows."""
QUANTIZED = 1.15
"""Bytes of a quantized layer with its scales, per byte of its quantized weights."""


def require_room(columns: Iterable[Column], bases: Bases) -> None:
    """Nothing if ``columns``, of which none is in memory, fit beside what is there.

    ``BusyError`` with the run that holds the device if they do not fit beside a training, by a margin; ``ModelError``
    if they do not fit although nothing trains.
    """
    machine, holder = hardware.machine(), holder_of(bases.workspace)
    needed, free = needed_bytes(columns, bases), hardware.free_bytes(machine, beside=holder is not None)
    if needed * (MARGIN if holder else 1) <= free:
        return
    whole = machine.gpu_memory_bytes or machine.memory_bytes
    room = f"{format.size_of(free, whole)} are free, and this needs about {format.size(needed)}"
    if holder is None:
        raise ModelError(
            f"There is not enough memory to ask these models: {room}.",
            "Ask fewer of them at once, or close other programs.",
        )
    what = "the GPU" if machine.device == "cuda" else "the memory"
    raise BusyError(
        f"Run {holder.number} {holder.recipe.name} is training and holds {what}: {room}.",
        "Wait, pause it, or ask later.",
    )


def holder_of(workspace: Workspace) -> Run | None:
    """The run that trains on this machine now; None if none does."""
    return next((run for run in workspace.runs() if run.is_held and _is_at_work_here(run.view())), None)


def _is_at_work_here(view: View) -> bool:
    return view.state in ACTIVE and view.elsewhere is None


def needed_bytes(columns: Iterable[Column], bases: Bases) -> int:
    """Bytes that loading ``columns`` and answering takes, beside the bases that ``bases`` holds."""
    found, new = 0, {}
    for column in columns:
        run = bases.workspace.run(column.run)
        recipe = asked_as(run)
        folder = locate(recipe.model, bases.workspace)
        own_base = column.step is not None and not column.is_base and recipe.adapter.rewrites_base
        if own_base:
            found += base_bytes(recipe, folder)
        elif bases.held(recipe) is None:
            new[bases.key(recipe)] = base_bytes(recipe, folder)
        if not column.is_base:
            found += _tuned_bytes(recipe, folder_of(column, run))
        found += _cache_bytes(recipe, folder)
    return found + sum(new.values()) + ANSWER_BYTES if found else 0


def base_bytes(recipe: Recipe, folder: Path) -> int:
    """Bytes that loading the base of ``recipe`` in ``folder`` takes at most."""
    weights, size, adapter = weights_of(folder, recipe.model.id), dtype_of(recipe).itemsize, recipe.adapter
    if adapter.quantization_arguments() is None:
        return weights.elements * size
    config = text_config(read_config(folder, recipe.model.id))
    embeddings = config.get("vocab_size", 0) * config.get("hidden_size", 0)
    embeddings = min(embeddings * (1 if config.get("tie_word_embeddings") else 2), weights.elements)
    layers = (weights.elements - embeddings) * adapter.weight_bits / 8 * QUANTIZED
    # On a CPU all that was read of the files is in memory beside the quantized weights.
    files = weights.bytes if hardware.machine().device == "cpu" else 0
    return int(embeddings * size + layers + files)


def _tuned_bytes(recipe: Recipe, folder: Path) -> int:
    """Bytes of a whole tuned model, or of an adapter, which may be kept in fp32."""
    if recipe.adapter.trains_base():
        return weights_of(folder, folder.name).elements * dtype_of(recipe).itemsize
    return sum(2 * file.stat().st_size for file in folder.glob("adapter_model*.safetensors"))


def _cache_bytes(recipe: Recipe, folder: Path) -> int:
    """Bytes of the keys and values of one answer."""
    config = text_config(read_config(folder, recipe.model.id))
    heads = config.get("num_attention_heads") or 1
    width = config.get("head_dim") or config.get("hidden_size", 0) // heads
    kept = config.get("num_key_value_heads") or heads
    tokens = min(CACHED_TOKENS, config.get("max_position_embeddings") or CACHED_TOKENS)
    return 2 * config.get("num_hidden_layers", 0) * kept * width * tokens * dtype_of(recipe).itemsize
