"""The files of a model folder, checked by name, size and header: no weight is read."""

import json
import math
import os
import struct
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from finetune.errors import ModelError

POINTER = b"version https://git-lfs"
"""How a pointer begins that git leaves in place of a large file."""
TOKENIZERS = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt", "*.tiktoken")
LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format."""
MB = 1_000_000


def read_config(folder: Path, name: str) -> dict:
    """The ``config.json`` of the model ``name`` in ``folder``; ``ModelError`` if this is no model folder."""
    path = folder / "config.json"
    _require_no_pointer(path, name)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
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
    dtype: str
    """What most of them are stored in, as safetensors names it: ``BF16``."""


def weights_of(folder: Path, name: str) -> Weights:
    """What the headers of the model ``name`` in ``folder`` say; of weights that are there twice, one counts."""
    single = folder / "model.safetensors"
    files = [folder / shard for shard in _shards(folder, name)] or ([single] if single.exists() else [])
    found, size = Counter(), 0
    for file in files or sorted(folder.glob("*.safetensors")):
        status = os.stat(file)
        size += status.st_size
        for dtype, elements in _header(file, name, status.st_size, status.st_mtime_ns):
            found[dtype] += elements
    return Weights(size, found.total(), max(found, key=found.get, default=""))


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
        return sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ModelError(f"{path.name} of the model {name} is damaged.", "Download the model again.") from None


@lru_cache(maxsize=512)
def _header(file: Path, name: str, size: int, changed_ns: int) -> tuple[tuple[str, int], ...]:
    """Dtypes and the numbers in each; ``ModelError`` unless ``file`` has a header and all the bytes it describes."""
    _require_no_pointer(file, name)
    with file.open("rb") as opened:
        head = opened.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        text = opened.read(length) if 0 < length <= min(LONGEST_HEADER, size) else b""
    try:
        tensors = {key: value for key, value in json.loads(text).items() if key != "__metadata__"}
        end = 8 + length + max(value["data_offsets"][1] for value in tensors.values())
        found = Counter()
        for value in tensors.values():
            found[str(value["dtype"])] += math.prod(value["shape"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(
            f"{file.name} of the model {name} is not a whole safetensors file.", "Download it again."
        ) from None
    if end > size:
        raise ModelError(
            f"{file.name} of the model {name} is incomplete: {size / MB:,.1f} of {end / MB:,.1f} MB are there.",
            "Download it again.",
        )
    return tuple(found.items())


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
