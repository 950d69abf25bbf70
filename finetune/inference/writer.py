"""A model that writes answers to many prompts: for previews of rewards, for judges, and for pairs of answers."""

from collections.abc import Sequence
from typing import Any

from finetune.adapters import ADAPTERS
from finetune.inference.question import prompt_tokens
from finetune.machine import hardware
from finetune.machine.libraries import load
from finetune.models.loading import load_base, load_weights, require_model, with_adapter
from finetune.models.tokenizer import load_tokenizer
from finetune.models.turn_end import end_ids
from finetune.recipe import ModelSettings
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

AT_ONCE = 32
"""Answers that are written side by side."""


class Writer:
    """A loaded model, base or tuned, that answers in batches."""

    def __init__(self, model: Any, tokenizer: Any):
        self.model = model
        self.tokenizer = tokenizer
        self.ends = sorted(end_ids(tokenizer, model))

    @classmethod
    def of_base(cls, settings: ModelSettings, workspace: Workspace) -> "Writer":
        """The base model of ``settings``, or the tuned model that they train further."""
        if settings.run:
            return cls.of_run(workspace.run(settings.run), workspace)
        load()
        machine = hardware.machine()
        model = load_base(settings, workspace, ADAPTERS["lora"](), _dtype(machine), machine.device)
        return cls(model, load_tokenizer(settings, workspace))

    @classmethod
    def of_run(cls, run: Run, workspace: Workspace) -> "Writer":
        """The tuned model of ``run``; ``RunError`` if it has none."""
        load()
        recipe, machine = require_model(run).as_trained, hardware.machine()
        if recipe.adapter.trains_base():
            model = load_weights(run.model_dir, _dtype(machine), machine.device)
        else:
            base = load_base(recipe.model, workspace, recipe.adapter, _dtype(machine), machine.device)
            model = with_adapter(base, run.model_dir).eval()
        return cls(model, load_tokenizer(recipe.model, workspace))

    def answers(
        self, asked: Sequence[list[dict]], count: int, max_tokens: int, temperature: float = 1.0, seed: int = 7
    ) -> list[list[str]]:
        """``count`` answers to each conversation, of at most ``max_tokens`` tokens; greedy at ``temperature`` 0.

        Equal seeds give equal answers, and the global random state stays as it is.
        """
        import torch

        rows = [ids for messages in asked for ids in [prompt_tokens(self.tokenizer, messages)] * count]
        found: list[str] = []
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for start in range(0, len(rows), AT_ONCE):
                found += self._batch(rows[start : start + AT_ONCE], max_tokens, temperature)
        return [found[n : n + count] for n in range(0, len(found), count)]

    def _batch(self, rows: list[list[int]], max_tokens: int, temperature: float) -> list[str]:
        import torch

        longest, pad = max(map(len, rows)), self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=self.model.device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=self.model.device)
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        greedy = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max_tokens,
                eos_token_id=self.ends or None,
                pad_token_id=pad,
                **(sampling if temperature else greedy),
            )
        return self.tokenizer.batch_decode(output[:, longest:], skip_special_tokens=True)


def _dtype(machine: hardware.Machine):
    return hardware.dtype_of(hardware.choose_precision(machine).value)
