"""Inspection of a model before it is used: config, names and shapes of its tensors, tokenizer. No weight is read.

It is done when a model is chosen, before a run is queued, and again by each process that loads it. What is loaded then
is verified by the same rule (``reading.require_complete``).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from finetune.adapters import Adapter
from finetune.errors import ModelError
from finetune.models.architecture import DEQUANTIZED, KEPT, Architecture, architecture
from finetune.models.files import Weights, read_config, require_files, weights_of
from finetune.models.reading import from_files, require_complete
from finetune.models.skeleton import skeleton
from finetune.models.tokenizer import read_tokenizer


@dataclass(frozen=True)
class Inspection:
    """What is known of a model before its weights are read."""

    architecture: Architecture
    weights: Weights
    notes: tuple[str, ...] = ()
    """What a person should know of it, as sentences."""


def inspect(folder: Path, name: str) -> Inspection:
    """What the model ``name`` in ``folder`` is; ``ModelError`` if it cannot be trained here, with what to do."""
    stamp = tuple((file.name, file.stat().st_mtime_ns) for file in sorted(folder.iterdir()) if file.is_file())
    return _inspect(folder, name, stamp)


@lru_cache(maxsize=64)
def _inspect(folder: Path, name: str, stamp: tuple) -> Inspection:
    found = architecture(read_config(folder, name), name)
    require_files(folder, name)
    read_tokenizer(folder, name)
    if not found.quantization:
        _require_tensors(folder, name)
    notes = []
    if found.quantization in DEQUANTIZED:
        notes.append(f"Its weights are stored in {found.quantization.upper()}; they are trained in 16 bits.")
    if found.quantization == KEPT:
        notes.append("Its weights are stored in 4 bits (nf4) and stay frozen; LoRA and QLoRA train an adapter on them.")
    if found.reads_pictures:
        notes.append("It also reads pictures. It is trained on text: what it has for pictures is kept as it is.")
    if not found.has_sdpa:
        notes.append("It needs eager attention, which is slower and takes more memory than PyTorch's fused kernels.")
    return Inspection(found, weights_of(folder, name), tuple(notes))


def require_suited(adapter: Adapter, inspection: Inspection) -> None:
    """``ModelError`` if ``adapter`` cannot be trained on weights that are stored as those of the model are."""
    quantization = inspection.architecture.quantization
    if quantization in DEQUANTIZED and adapter.quantization_arguments():
        raise ModelError(
            f"The weights of this model are stored in {quantization.upper()}, and QLoRA cannot quantize them anew.",
            "Choose LoRA, or the model in 16 bits that it was made from.",
        )
    if quantization == KEPT and not adapter.takes_4_bits:
        what = "such weights cannot be trained themselves" if adapter.trains_base() else f"{adapter.title} needs 16"
        raise ModelError(
            f"The weights of this model are stored in 4 bits, and {what}.",
            "Choose LoRA or QLoRA, or the model in 16 bits that it was made from.",
        )


@lru_cache(maxsize=64)
def require_attachable(adapter: Adapter, folder: Path) -> None:
    """``ModelError`` if the model in ``folder`` has not the layers that ``adapter`` is to train, or to be beside."""
    model = skeleton(folder)
    adapter.choose_weights(model)
    adapter.suited_to(model)


def _require_tensors(folder: Path, name: str) -> None:
    """``ModelError`` unless each tensor of the model is in its files, by name and shape, and no other that matters.

    Transformers itself assigns names to names (it renames and merges some), on a device without memory.
    """
    _, info = from_files(folder, name, device_map={"": "meta"}, ignore_mismatched_sizes=True)
    require_complete(info, name)
