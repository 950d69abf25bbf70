"""What was written, opened as its users open it: by plain Transformers and PEFT, with nothing of this program."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from finetune.inference.untouched import dtype_of
from finetune.machine import hardware
from finetune.machine.libraries import load
from finetune.models.architecture import DEQUANTIZED, architecture
from finetune.models.files import read_config
from finetune.models.locate import locate
from finetune.models.usage import auto_class
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


class Plain:
    """A model of Transformers with its tokenizer, asked greedily with ``generate``."""

    def __init__(self, model: Any, tokenizer: Any, opened_with: str):
        from transformers import GenerationConfig

        self.model = model.eval()
        self.tokenizer = tokenizer
        self.opened_with = opened_with
        own = model.generation_config.eos_token_id
        own = own if isinstance(own, list) else [own]
        self.ends = sorted({end for end in (*own, tokenizer.eos_token_id) if end is not None})
        """The tokens that end an answer, as its files say."""
        # Sampling, beams and penalties of its files would be taken over where ``generate`` is given others.
        model.generation_config = GenerationConfig(eos_token_id=self.ends, pad_token_id=tokenizer.pad_token_id)

    def prompt(self, messages: list[dict]) -> list[int]:
        """The tokens before the answer to ``messages``, by the tokenizer's own template or, without one, as a text."""
        if self.tokenizer.chat_template:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            return self.tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = self.tokenizer("".join(message["content"] for message in messages))["input_ids"]
        return ids[:-1] if ids[-1:] == [self.tokenizer.eos_token_id] else ids

    def answer(self, prompt: list[int], most: int) -> list[int]:
        """The greedy answer, with the token that ended it if the saved files know it as one that does."""
        import torch

        ids = torch.tensor([prompt], device=self.model.device)
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        with torch.inference_mode():
            return self.model.generate(**given, max_new_tokens=most, do_sample=False)[0, len(prompt) :].tolist()

    def text(self, ids: Sequence[int]) -> str:
        """``ids`` as text, special tokens too."""
        return self.tokenizer.decode(list(ids))


def of_folder(run: Run, folder: Path, **options: Any) -> Plain:
    """A whole model in ``folder``, computed in the precision in which ``run`` is asked on the Compare tab.

    ``options`` are further arguments of ``from_pretrained``.
    """
    import transformers

    load()
    kind = getattr(transformers, auto_class(run))
    model = kind.from_pretrained(folder, **_placed(run), **options).to(hardware.machine().device)
    options = {name: value for name, value in options.items() if name == "gguf_file"}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
    return Plain(model, tokenizer, f"Transformers {transformers.__version__}")


def of_adapter(run: Run, workspace: Workspace, folder: Path) -> Plain:
    """The adapter in ``folder`` beside the base of ``run``, which is quantized as it was for the training."""
    import peft
    import transformers

    load()
    recipe = run.as_trained
    base = locate(recipe.model, workspace)
    if code := recipe.adapter.code.rpartition(".")[2]:
        _import_from(folder, code)
    kind, quantization = getattr(transformers, auto_class(run)), recipe.adapter.quantization()
    stored = architecture(read_config(base, recipe.model.id), recipe.model.id).quantization
    if quantization is None and stored in DEQUANTIZED:
        quantization = getattr(transformers, DEQUANTIZED[stored])(dequantize=True)
    given = {} if quantization is None else {"quantization_config": quantization, "device_map": {"": _device()}}
    model = kind.from_pretrained(base, **_placed(run), **given)
    model = peft.PeftModel.from_pretrained(model if given else model.to(_device()), str(folder))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return Plain(model, tokenizer, f"PEFT {peft.__version__} on Transformers {transformers.__version__}")


def _placed(run: Run) -> dict[str, Any]:
    return {"dtype": dtype_of(run.as_trained), "use_safetensors": True}


def _device() -> str:
    return hardware.machine().device


def _import_from(folder: Path, module: str) -> None:
    """Import ``module`` from ``folder``, which makes the adapter's type known to PEFT."""
    sys.path.append(str(folder))
    try:
        import_module(module)
    finally:
        sys.path.remove(str(folder))
