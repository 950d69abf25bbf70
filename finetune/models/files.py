"""The files of a model folder, checked by name, size and header: no weight is read."""

import json
import math
import os
import re
import struct
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from finetune.errors import ModelError
from finetune.models.ceilings import LARGEST_CONFIG

POINTER = b"version https://git-lfs"
"""How a pointer begins that git leaves in place of a large file."""
TOKENIZERS = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt", "*.tiktoken")
LONGEST_HEADER = 25_000_000
"""Bytes; the format allows four times as many, and the longest of published models has one."""
SHARD = re.compile(r"\w[\w.-]*\.safetensors")
"""The name of a file of weights beside its index: no path, and no other format."""
MOST_DIMENSIONS = 8
CODE = {"megatron_config": (), "megatron_core": ("megatron.core",), "custom_modules": ()}
"""Settings of an adapter that name modules to be imported, and what PEFT writes into them itself."""
BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16}
BITS |= {"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8}
"""Bits of a number, by the dtypes of safetensors; a format of less than a byte packs several into one."""
MB = 1_000_000
EXAMPLE = "Choose another model."


def read_config(folder: Path, name: str) -> dict:
    """The ``config.json`` of the model ``name`` in ``folder``; ``ModelError`` if this is no model folder."""
    path = folder / "config.json"
    _require_no_pointer(path, name)
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise ModelError(f"The config.json of the model {name} has {path.stat().st_size / MB:,.0f} MB.", EXAMPLE)
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        config = None
    if isinstance(config, dict):
        return config
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{name} is an adapter{_base_of(folder)}, not a model.",
            "Choose its base model. To train a run of this workspace further, set “Run” under More settings.",
        )
    if any(folder.glob("*.gguf")):
        raise ModelError(
            f"{name} is a GGUF file, made for llama.cpp; it cannot be trained.",
            "Choose the model that it was made from, in safetensors.",
        )
    raise ModelError(f"The model {name} has no readable config.json.", "Choose another model.")


def text_config(config: dict) -> dict:
    """The part of ``config`` that describes the language model: nested where a model also reads pictures."""
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else config


@dataclass(frozen=True)
class Weights:
    """The weights in a folder, by the headers of their files."""

    bytes: int
    """Of the files."""
    elements: int
    """Numbers in all tensors: the parameters, unless a format packs several into one."""
    tensors: int
    dtype: str
    """What most of them are stored in, as safetensors names it: ``BF16``."""


def weights_of(folder: Path, name: str) -> Weights:
    """What the headers of the model ``name`` in ``folder`` say; of weights that are there twice, one counts."""
    single = folder / "model.safetensors"
    files = [folder / shard for shard in _shards(folder, name)] or ([single] if single.exists() else [])
    found, size, tensors = Counter(), 0, 0
    for file in files or sorted(folder.glob("*.safetensors")):
        status = os.stat(file)
        size += status.st_size
        count, elements = _header(file, name, status.st_size, status.st_mtime_ns)
        found.update(elements)
        tensors += count
    return Weights(size, found.total(), tensors, max(found, key=found.get, default=""))


def require_files(folder: Path, name: str) -> None:
    """``ModelError`` unless whole safetensors and a tokenizer are in ``folder``."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The model {name} has no safetensors weights.",
            "Other formats can run code when they are loaded; choose another model.",
        )
    missing = [shard for shard in _shards(folder, name) if not (folder / shard).is_file()]
    if missing:
        raise ModelError(
            f"{missing[0]} of the model {name} is missing, one of {len(missing)} missing files of weights.",
            "Download the model again.",
        )
    for file in files:
        status = os.stat(file)
        _header(file, name, status.st_size, status.st_mtime_ns)
    found = [file for pattern in TOKENIZERS for file in folder.glob(pattern)]
    if not found:
        raise ModelError(
            f"The model {name} has no tokenizer (tokenizer.json, tokenizer.model or vocab.json).",
            "Copy the tokenizer's files into its folder, or download the model again.",
        )
    for file in found:
        _require_no_pointer(file, name)


def _base_of(folder: Path) -> str:
    try:
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f" for {base}" if base else ""


def has_weights(folder: Path) -> bool:
    """True if every file of weights is there that the folder's index lists, or any without an index."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    return all((folder / shard).is_file() for shard in _shards(folder, folder.name))


def _shards(folder: Path, name: str) -> list[str]:
    """The files that the index of a sharded model lists; none without an index."""
    path = folder / "model.safetensors.index.json"
    if not path.is_file():
        return []
    _require_no_pointer(path, name)
    try:
        if path.stat().st_size > LONGEST_HEADER:
            raise ValueError
        listed = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise ModelError(f"{path.name} of the model {name} is damaged.", "Download the model again.") from None
    for shard in listed:
        if not (isinstance(shard, str) and SHARD.fullmatch(shard)):
            raise ModelError(
                f"{path.name} of the model {name} names {str(shard)[:80]!r}, which is no safetensors file beside it.",
                "Weights are read from the model's own folder, and in no other format; choose another model.",
            )
    return listed


@lru_cache(maxsize=512)
def _header(file: Path, name: str, size: int, changed_ns: int) -> tuple[int, dict[str, int]]:
    """How many tensors, and the numbers of each dtype; ``ModelError`` unless ``file`` has all that its header says.

    Each tensor must have the bytes that its shape says, and none those of another.
    """
    _require_no_pointer(file, name)
    with file.open("rb") as opened:
        head = opened.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        text = opened.read(length) if 0 < length <= min(LONGEST_HEADER, size) else b""
    try:
        tensors = {key: value for key, value in json.loads(text).items() if key != "__metadata__"}
        found, places = Counter(), []
        for value in tensors.values():
            elements, place = _measured(value)
            found[str(value["dtype"])] += elements
            places.append(place)
        places.sort()
        if any(start < end for (_, end), (start, _) in zip(places, places[1:])):
            raise ValueError
        end = 8 + length + max(end for _, end in places)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise ModelError(
            f"{file.name} of the model {name} is not a whole safetensors file.", "Download it again."
        ) from None
    if end > size:
        raise ModelError(
            f"{file.name} of the model {name} is incomplete: {size / MB:,.1f} of {end / MB:,.1f} MB are there.",
            "Download it again.",
        )
    return len(tensors), dict(found)


def _measured(value: dict) -> tuple[int, tuple[int, int]]:
    """The numbers of a tensor, and where its bytes begin and end; ``ValueError`` if they do not go together."""
    (start, end), shape = value["data_offsets"], value["shape"]
    are_whole = all(type(each) is int and each >= 0 for each in (start, end, *shape[:MOST_DIMENSIONS]))
    if not are_whole or len(shape) > MOST_DIMENSIONS or start > end:
        raise ValueError
    elements, bits = math.prod(shape), BITS.get(value["dtype"])
    if bits and elements * bits != 8 * (end - start):
        raise ValueError
    return elements, (start, end)


def require_safe_adapter(folder: Path) -> None:
    """``ModelError`` unless the adapter in ``folder`` is safetensors, and its config names no code."""
    weights, name = folder / "adapter_model.safetensors", folder.parent.name
    if not weights.is_file():
        raise ModelError(
            f"The adapter of {name} has no adapter_model.safetensors.",
            "Other formats can run code when they are loaded; train again, or restore the file.",
        )
    status = os.stat(weights)
    _header(weights, name, status.st_size, status.st_mtime_ns)
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        named = [key for key, usual in CODE.items() if config.get(key) and config[key] not in usual]
        library = (config.get("auto_mapping") or {}).get("parent_library") or "transformers"
        if library.partition(".")[0] != "transformers":
            named.append("auto_mapping")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise ModelError(f"The adapter of {name} has no readable adapter_config.json.", "Train again.") from None
    if named:
        raise ModelError(f"The adapter of {name} names code to be loaded ({named[0]}).", "Train again.")


def _require_no_pointer(file: Path, name: str) -> None:
    try:
        with file.open("rb") as opened:
            is_pointer = opened.read(len(POINTER)) == POINTER
    except OSError:
        return
    if is_pointer:
        raise ModelError(
            f"{file.name} of the model {name} is not the file itself but a pointer to it, which git left in its place.",
            "Run `git lfs pull` in its folder, or download the model with `hf download`.",
        )
