"""An untouched base: as it came from its files, its logits recorded before any adapter was beside it.

Whoever attaches an adapter does so to a copy, which shares every weight. So columns of several runs and checkpoints
cost one base, and the record stays what it is compared with: an adapter that is left on, and weights that were changed
in place, both show.
"""

import copy
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from finetune.errors import ModelError
from finetune.inference.decoding import SequentialDecoding, Variant
from finetune.inference.trial import leeway, probe
from finetune.machine import hardware
from finetune.models.loading import load_base
from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs.fingerprint import weights_fingerprint
from finetune.runs.workspace import Workspace

SAMPLED_TENSORS, SAMPLED_VALUES = 12, 256
"""Tensors of the files, and the first values of each, that are compared with the loaded weights."""


class Untouched:
    """A base model as it was loaded. No adapter is ever attached to ``model`` itself."""

    def __init__(self, model: Any, folder: Path):
        self.model = model
        self.folder = folder
        self.fingerprint = weights_fingerprint(folder)
        """Of the files that it was loaded from."""
        self._stamps = stamps(folder)
        require_as_stored(model, folder)
        self.alone = SequentialDecoding(Variant(model))
        """Its decoding without any adapter."""
        self.recorded = [self.probe() for _ in range(2)]
        """Its logits for the probe, twice, for how exact they are."""

    def probe(self) -> list:
        """Its logits (V,) for the probe now, step by step."""
        return [step[0] for step in probe(self.alone, 1)]

    def difference(self, steps: list) -> float:
        """The largest difference of ``steps``, logits (V,) for the probe, from the record; 0 within its leeway."""
        first, second = self.recorded
        return max(
            float(found) if (found := (now - before).abs().max()) > leeway(before, again) else 0.0
            for now, before, again in zip(steps, first, second)
        )

    def copy(self) -> Any:
        """A model of its own modules that shares every weight with this one: an adapter is attached to it alone."""
        return copy.deepcopy(self.model, {id(each): each for each in shared(self.model)})

    @property
    def has_other_files(self) -> bool:
        """True if the files that it was loaded from have other weights now."""
        if (now := stamps(self.folder)) == self._stamps:
            return False
        if weights_fingerprint(self.folder) != self.fingerprint:
            return True
        self._stamps = now
        return False


class Bases:
    """The untouched bases in memory, each there once; the last that uses one frees it."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._loaded: WeakValueDictionary[tuple, Untouched] = WeakValueDictionary()
        self._loading = threading.Lock()

    def held(self, recipe: Recipe) -> Untouched | None:
        """The base of ``recipe`` if it is in memory."""
        return self._loaded.get(self.key(recipe))

    def get(self, recipe: Recipe) -> Untouched:
        """The base of ``recipe``, loaded unless it is in memory."""
        with self._loading:
            key = self.key(recipe)
            found = self._loaded.get(key)
            if found is None or found.has_other_files:
                folder, device = locate(recipe.model, self.workspace), hardware.machine().device
                base = load_base(recipe.model, self.workspace, recipe.adapter, dtype_of(recipe), device)
                found = self._loaded[key] = Untouched(base, folder)
            return found

    def key(self, recipe: Recipe) -> tuple:
        """What a base is kept by: its folder, its quantization and its precision."""
        folder = locate(recipe.model, self.workspace)
        return folder.resolve(), str(recipe.adapter.quantization_arguments()), dtype_of(recipe)


def dtype_of(recipe: Recipe):
    """The ``torch.dtype`` in which the models of ``recipe`` answer on this machine."""
    return hardware.dtype_of(hardware.choose_precision(hardware.machine(), recipe.training.precision).value)


def shared(model: Any) -> Iterator[Any]:
    """The tensors of ``model`` that a copy shares, and what bitsandbytes keeps beside quantized ones."""
    yield from model.parameters()
    yield from model.buffers()
    for part in model.modules():
        if state := vars(part).get("quant_state"):
            yield state
        for name in ("CB", "SCB"):
            if (tensor := getattr(vars(part).get("state"), name, None)) is not None:
                yield tensor


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file of weights in ``folder``: while they are equal, so is its fingerprint."""
    found = {path.name: path.stat() for path in sorted(folder.glob("*.safetensors"))}
    return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}


def require_as_stored(model: Any, folder: Path) -> None:
    """``ModelError`` if weights of ``model`` are not those in the files of ``folder``.

    A few tensors of each file are compared, by the names that they have in both; a quantized one has others. The row of
    the padding token is left out: some families (Youtu) set it to zero whatever their file says.
    """
    from safetensors import safe_open

    weights, embedding = dict(model.named_parameters()), model.get_input_embeddings().weight
    padding = getattr(model.config.get_text_config(), "pad_token_id", None)
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            stored_names = file.keys()
            names = [name for name in stored_names if name in weights and weights[name].is_floating_point()]
            for name in names[:: max(1, len(names) // SAMPLED_TENSORS)]:
                stored, loaded = file.get_slice(name), weights[name]
                is_plain = loaded.dim() and stored.get_dtype() in ("F32", "F16", "BF16")
                if not is_plain or stored.get_shape() != list(loaded.shape):
                    continue
                rows = stored[: max(1, SAMPLED_VALUES // loaded[0].numel())].to(loaded.device, loaded.dtype)
                differs = (rows != loaded[: len(rows)].detach()).reshape(len(rows), -1).any(1)
                if loaded is embedding and padding is not None and 0 <= padding < len(rows):
                    differs[padding] = False
                if differs.any():
                    raise ModelError(
                        f"The loaded base is not the model in {folder}: its {name} has other values than the file.",
                        "Load it again. If this stays, restart the program.",
                    )
