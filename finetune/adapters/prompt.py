"""Prompt tuning: virtual tokens before every prompt, and only their embeddings are trained."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from finetune.adapters.adapter import Adapter, Call
from finetune.adapters.virtual_tokens import VirtualTokens


def start_from_text(model, tokenizer, text):
    """Set the new soft prompt of ``model`` (a ``PeftModel``) to the embeddings of ``text``, repeated to its length."""
    import torch

    count = model.active_peft_config.num_virtual_tokens
    words = tokenizer(text, add_special_tokens=False)["input_ids"]
    ids = torch.tensor((words * (1 + count // len(words)))[:count])
    embeddings = model.get_base_model().get_input_embeddings()
    with torch.no_grad():
        values = embeddings(ids.to(embeddings.weight.device))
        model.prompt_encoder[model.active_adapter].embedding.weight.copy_(values)


def cache_of_prompt(model) -> Any:
    """The key-value cache that the base of ``model`` (a ``PeftModel``) computes for its trained virtual tokens."""
    import torch
    from transformers import DynamicCache

    base = model.get_base_model()
    with torch.inference_mode():
        values = model.get_prompt(batch_size=1).to(base.get_input_embeddings().weight.dtype)
        cache = DynamicCache(config=base.config.get_text_config(decoder=True))
        return base(inputs_embeds=values, past_key_values=cache, use_cache=True).past_key_values


class Prompt(VirtualTokens, Adapter):
    """Prompt tuning (Lester et al. 2021): a soft prompt of trained embeddings before every prompt."""

    type: Literal["prompt"] = "prompt"
    start: str = Field("You are a helpful assistant. Answer the question. ", min_length=1, max_length=2000)
    """Text whose embeddings the soft prompt starts from, repeated to its length: a good instruction starts better."""

    order: ClassVar[int] = 70
    title: ClassVar[str] = "Prompt tuning"
    plain: ClassVar[str] = (
        "The model stays as it is, and an instruction that no one could type is trained to stand before every prompt."
    )
    engineer: ClassVar[str] = "Prompt tuning: trained input embeddings of virtual tokens; the base is frozen."
    analogy: ClassVar[str] = "Like finding the magic words for an assistant whose training nobody may change."
    avoid: ClassVar[str] = (
        "With small models, where it learns little and slowly: prefix tuning reaches every layer, and LoRA learns more."
    )
    paper: ClassVar[str] = (
        "Lester et al. 2021, The Power of Scale for Parameter-Efficient Prompt Tuning, arXiv 2104.08691"
    )
    noun: ClassVar[str] = "soft prompt"
    rate_factor: ClassVar[float] = 400.0

    def peft_arguments(self):
        """A ``PromptTuningConfig`` for causal language modelling."""
        return "PromptTuningConfig", {"num_virtual_tokens": self.virtual_tokens, "task_type": "CAUSAL_LM"}

    def on_adapter(self) -> Call:
        """It starts from the embeddings of a text."""
        return Call(start_from_text, {"text": self.start})

    def first_cache(self, model: Any) -> Any:
        """The keys and values that the base computes for the soft prompt."""
        return cache_of_prompt(model)
