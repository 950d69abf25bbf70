"""Reading weights with Transformers, and whether it found all of them: never a random weight in place of a lost one."""

import re
from pathlib import Path
from typing import Any

from finetune.compat import build_models_per_thread
from finetune.errors import ModelError, first_sentence
from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.libraries import load_tokenizers
from finetune.models.architecture import EXAMPLE, architecture
from finetune.models.files import read_config

HARMLESS = re.compile(
    r"(^|\.)(mtp|nextn|visual|vision\w*|audio\w*|multi_modal_projector|mm_projector|image_newline|score|v_head"
    r"|value_head|classifier|embed_positions|position_ids|rotary_emb|masked_bias|attn\.bias)(\.|$)|inv_freq$"
)
"""Tensors that a causal language model can do without: other heads, towers for pictures and sound, tables of positions
that are computed, layers that guess several tokens ahead."""


UNMERGEABLE = "a tensor is missing, or has another shape, among those that are put together, such as its experts."
"""What is wrong where Transformers makes one tensor of several in the files and cannot; it says so in its log alone."""


def from_files(folder: Path, name: str, **options) -> tuple[Any, dict]:
    """The model in ``folder`` as its ``auto_class`` loads it with ``options``, and Transformers' report of loading it.

    Nothing but safetensors is read and no code that comes with the model is run. ``ModelError`` in place of every error
    of the libraries, which are of many kinds for a file that is not as it should be.
    """
    load_tokenizers()
    build_models_per_thread()
    import transformers
    from safetensors import SafetensorError

    found = architecture(read_config(folder, name), name)
    try:
        return getattr(transformers, found.auto_class).from_pretrained(
            folder,
            attn_implementation="sdpa" if found.has_sdpa else "eager",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    except (ValueError, OSError, ImportError, AttributeError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(
            f"The model {name} cannot be loaded: {first_sentence(error)}", "Choose another model, or download it again."
        ) from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        said = UNMERGEABLE if "CONVERSION" in str(error) else first_sentence(error)
        raise ModelError(
            f"The model {name} cannot be loaded: {said}", "Choose another model, or download it again."
        ) from error


def require_complete(info: dict, name: str) -> None:
    """``ModelError`` unless a loading report of Transformers says that file and model fit.

    ``info`` is what ``from_pretrained(output_loading_info=True)`` returns: names of missing and unexpected tensors, and
    those of another shape. A missing tensor would be trained from random values.
    """
    missing = sorted(map(str, info.get("missing_keys") or ()))
    unexpected = sorted(each for each in map(str, info.get("unexpected_keys") or ()) if not HARMLESS.search(each))
    mismatched = sorted(info.get("mismatched_keys") or (), key=str)
    if mismatched:
        tensor, stored, wanted = mismatched[0]
        raise ModelError(
            f"{_several(len(mismatched))} of the model {name} has another shape than its config.json says: {tensor} is "
            f"{tuple(stored)} instead of {tuple(wanted)}.",
            "Download the model again, or correct its config.json.",
        )
    if missing:
        found = f" Its files have others instead, such as {unexpected[0]}." if unexpected else ""
        raise ModelError(
            f"{_several(len(missing))} of the model {name} is missing in its files, such as {missing[0]}.{found}",
            "It would be trained from random values. Download the model again, or save it without a wrapper around it.",
        )
    if unexpected:
        raise ModelError(
            f"{_several(len(unexpected))} in the files of the model {name} has no place in it: {unexpected[0]}.",
            "Its config.json describes another model than its weights are. Download the model again.",
        )


def require_reads_text(model, name: str) -> None:
    """``ModelError`` unless the loaded ``model``, which also reads pictures, gives logits for text alone."""
    import torch

    try:
        with torch.no_grad():
            model(input_ids=torch.zeros(1, 2, dtype=torch.long, device=model.device), use_cache=False)
    except Exception as error:  # each model asks in its own way for what it has not been given
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"The model {name} reads no text alone ({first_sentence(error)}), so it cannot be trained on text here.",
            EXAMPLE,
        ) from error


def _several(count: int) -> str:
    return "One tensor" if count == 1 else f"Each of {count:,} tensors"
