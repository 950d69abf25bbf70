"""Sample answers: what base and tuned answer to a few fixed prompts while the model trains.

Greedy, so that answers differ by training alone, and training is not disturbed.
"""

import math
from contextlib import AbstractContextManager, nullcontext

from finetune.compat import forget_positions
from finetune.models.turn_end import end_ids
from finetune.runs.events import Answer


class SampleAnswers:
    """Asks the model the same ``prompts`` each time; the first answers are the base's."""

    def __init__(self, prompts: list[list[dict]], tokenizer, max_tokens: int, changes_at_start: bool = False):
        self.prompts = prompts
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.base: list[str] = []
        self._changes_at_start = changes_at_start
        """True if the adapter changes answers before its first step, so that it is off for those of the base."""

    def answers(self, model, first: bool = False) -> tuple[Answer, ...]:
        """What base and ``model`` answer now; with ``first``, before the first step, the base is asked."""
        if not self.prompts:
            return ()
        with self._first(model) if first else nullcontext():
            tuned = self._generate(model)
        if first and not self.base:
            self.base = tuned
        return tuple(
            Answer(prompt=prompt[-1]["content"], base=base, tuned=now)
            for prompt, base, now in zip(self.prompts, self.base or [""] * len(tuned), tuned)
        )

    def ask_base(self, base) -> None:
        """Have ``base`` answer before it gets its adapter, for one that rewrites it."""
        if self.prompts:
            self.base = self._generate(base)

    def _first(self, model) -> AbstractContextManager:
        return model.disable_adapter() if self._changes_at_start else nullcontext()

    def _generate(self, model) -> list[str]:
        """The answers of ``model``, in one batch; one by one where virtual tokens would come before the padding."""
        import torch

        alone = getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False)
        batches = [[prompt] for prompt in self.prompts] if alone else [self.prompts]
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                return [text for prompts in batches for text in self._answered(model, self._batch(prompts))]
        finally:
            model.train(was_training)
            forget_positions(model)

    def _answered(self, model, batch) -> list[str]:
        batch = batch.to(model.device)
        output = model.generate(
            **batch,
            max_new_tokens=min(self.max_tokens, _room(model, batch["input_ids"].shape[1])),
            do_sample=False,
            eos_token_id=sorted(end_ids(self.tokenizer, model)) or None,
            pad_token_id=self.tokenizer.pad_token_id,
            temperature=None,
            top_p=None,
            top_k=None,
        )
        return self.tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)

    def _batch(self, prompts: list[list[dict]]):
        """``prompts`` as ``input_ids`` and ``attention_mask``, each (B, T), padded on the left."""
        side, self.tokenizer.padding_side = self.tokenizer.padding_side, "left"
        try:
            if self.tokenizer.chat_template:
                texts = [
                    self.tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
                    for prompt in prompts
                ]
            else:
                texts = [prompt[-1]["content"] for prompt in prompts]
            return self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        finally:
            self.tokenizer.padding_side = side


def _room(model, asked: int) -> float:
    """Tokens that ``model`` reads after ``asked`` ones; infinite where nothing limits them."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or math.inf
    prefix = getattr(getattr(model, "active_peft_config", None), "num_virtual_tokens", None) or 0
    return context - prefix - asked


def prompt_of(example: dict) -> list[dict]:
    """The conversation of ``example`` up to its last question; empty if it has none (plain text).

    A conversation with tools gives none: without the tools it would be another question.
    """
    if "tools" in example or any(message["role"] == "tool" for message in example.get("messages", ())):
        return []
    if "prompt" in example:
        return list(example["prompt"])
    messages = list(example.get("messages", ()))
    while messages and messages[-1]["role"] != "user":
        messages.pop()
    return messages
