"""Prefix tuning: virtual tokens before every prompt, and only their keys and values are trained."""

from typing import Any, ClassVar, Literal

from finetune.adapters.adapter import Adapter, Call
from finetune.adapters.virtual_tokens import VirtualTokens


def start_from_words(model, tokenizer):
    """Set a new prefix of ``model`` (a ``PeftModel``) to keys and values that its base computes, those of real words.

    From random ones training hardly moves (Li and Liang 2021, §7.4).
    """
    import torch

    count = model.active_peft_config.num_virtual_tokens
    words = tokenizer("You are a helpful assistant. Answer the question. ", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([(words * (1 + count // len(words)))[:count]])
    base = model.get_base_model()
    was_training = base.training
    with torch.no_grad():
        cache = base.eval()(input_ids=ids.to(base.device), use_cache=True).past_key_values
    base.train(was_training)
    # PEFT's layout: for each virtual token the keys and then the values of each layer, all heads of it.
    layers = [part[0].transpose(0, 1).flatten(1) for layer in cache.layers for part in (layer.keys, layer.values)]
    prefix = model.prompt_encoder[model.active_adapter]
    prefix.load_prompt_embeddings(torch.stack(layers, dim=1).flatten(1).to(prefix.embedding.weight.dtype))


class Prefix(VirtualTokens, Adapter):
    """Prefix tuning (Li and Liang 2021): trained keys and values before every prompt, in each layer."""

    type: Literal["prefix"] = "prefix"

    order: ClassVar[int] = 40
    title: ClassVar[str] = "Prefix tuning"
    plain: ClassVar[str] = "The model stays as it is and reads a few trained virtual tokens before every prompt."
    engineer: ClassVar[str] = "Prefix tuning: trained keys and values in every layer; the base is frozen."
    analogy: ClassVar[str] = (
        "Like a briefing before every conversation, written in a language that only the model reads."
    )
    avoid: ClassVar[str] = (
        "Where answers must be as good as can be: LoRA learns more, and it can be merged into the model."
    )
    paper: ClassVar[str] = (
        "Li and Liang 2021, Prefix-Tuning: Optimizing Continuous Prompts for Generation, arXiv 2101.00190"
    )
    noun: ClassVar[str] = "prefix"
    rate_factor: ClassVar[float] = 200.0

    def peft_arguments(self):
        """A ``PrefixTuningConfig`` for causal language modelling."""
        return "PrefixTuningConfig", {"num_virtual_tokens": self.virtual_tokens, "task_type": "CAUSAL_LM"}

    def on_adapter(self) -> Call:
        """It starts from real words."""
        return Call(start_from_words)

    def first_cache(self, model: Any) -> Any:
        """The keys and values of the prefix."""
        import torch

        with torch.no_grad():
            return model.get_prompt(batch_size=1)
