"""Scorers: a language model whose head for words is replaced by one that gives a single number for a text."""

import math
from collections.abc import Sequence
from typing import Any

from finetune.data.tokens import preference_sequences
from finetune.errors import ModelError, RunError
from finetune.machine import hardware
from finetune.machine.libraries import load
from finetune.models.files import require_safe_adapter
from finetune.models.loading import load_base, require_model
from finetune.models.tokenizer import load_tokenizer
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

AT_ONCE = 16
"""Texts that are scored in one batch."""


def as_scorer(model: Any, seed: int = 0) -> Any:
    """A sequence classifier of one label over the decoder of the language ``model``; its head is random, by ``seed``.

    ``ModelError`` if Transformers has none for this architecture.
    """
    import torch
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING as SCORERS

    config = model.config
    if type(config) not in SCORERS:
        raise ModelError(
            f"Transformers has no reward model of the architecture {config.model_type}.",
            "Choose a model of another family, such as Qwen, Llama, Gemma or Mistral.",
        )
    config.num_labels, config.pad_token_id = 1, config.get_text_config().pad_token_id or 0
    with torch.device("meta"):
        scorer = SCORERS[type(config)](config)
    name = scorer.base_model_prefix
    if not hasattr(scorer, "score") or type(getattr(scorer, name)) is not type(model.base_model):
        raise ModelError(
            f"The reward model of the architecture {config.model_type} is built otherwise than its language model.",
            "Choose a model of another family, such as Qwen, Llama, Gemma or Mistral.",
        )
    setattr(scorer, name, model.base_model)
    head = torch.empty(scorer.score.weight.shape, dtype=torch.float32)
    head.normal_(0.0, 1 / math.sqrt(head.shape[1]), generator=torch.Generator().manual_seed(seed))
    scorer.score.weight = torch.nn.Parameter(head.to(model.device, model.dtype))
    for flag in ("is_loaded_in_4bit", "is_loaded_in_8bit", "is_quantized", "hf_quantizer", "quantization_method"):
        if hasattr(model, flag):
            setattr(scorer, flag, getattr(model, flag))
    config.architectures = [type(scorer).__name__]
    return scorer.eval()


def require_scorer(run: Run) -> Run:
    """``run``, if it has trained a reward model; ``RunError`` if not."""
    method = require_model(run).as_trained.method
    if not method.makes_scorer:
        raise RunError(
            f"Run {run.id} is no reward model: it was trained with {method.title}.",
            "Choose a run of the method `reward`.",
        )
    return run


class Scorer:
    """The reward model that a run has trained, ready to rate answers."""

    def __init__(self, model: Any, tokenizer: Any):
        self.model = model
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, run: Run, workspace: Workspace) -> "Scorer":
        """The scorer of ``run``; ``RunError`` if it has trained none."""
        recipe = require_scorer(run).as_trained
        load()
        machine = hardware.machine()
        dtype = hardware.dtype_of(hardware.choose_precision(machine, recipe.training.precision).value)
        tokenizer = load_tokenizer(recipe.model, workspace)
        return cls(_loaded(run, recipe, workspace, dtype, machine.device), tokenizer)

    def scores(self, asked: Sequence[tuple[list[dict], str]]) -> list[float]:
        """The score of each answer to its conversation; higher is better, and only differences mean something."""
        import torch

        found = []
        for start in range(0, len(asked), AT_ONCE):
            rows = [self._ids(*each) for each in asked[start : start + AT_ONCE]]
            longest, pad = max(map(len, rows)), self.tokenizer.pad_token_id or 0
            ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=self.model.device)
            mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self.model.device)
            with torch.inference_mode():
                found += self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0].float().tolist()
        return found

    def _ids(self, messages: list[dict], answer: str) -> list[int]:
        """The tokens of a conversation with its answer, as pairs of answers are trained."""
        turn = [{"role": "assistant", "content": answer or " "}]
        sequence, _ = preference_sequences(
            {"prompt": list(messages), "chosen": turn, "rejected": turn}, self.tokenizer, 10**9
        )
        return list(sequence.ids)


def _loaded(run: Run, recipe, workspace: Workspace, dtype, device: str):
    if recipe.adapter.trains_base():
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification.from_pretrained(
            run.model_dir,
            dtype=dtype,
            num_labels=1,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            device_map={"": device},
        ).eval()
    from peft import PeftModel

    require_safe_adapter(run.model_dir)
    base = as_scorer(load_base(recipe.model, workspace, recipe.adapter, dtype, device))
    return PeftModel.from_pretrained(base, str(run.model_dir)).eval()
