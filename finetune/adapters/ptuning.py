"""P-tuning: virtual tokens before every prompt, whose embeddings a small trained network computes."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from finetune.adapters.adapter import RESUMED, Adapter
from finetune.adapters.prompt import cache_of_prompt
from finetune.adapters.virtual_tokens import VirtualTokens
from finetune.private import PrivateName


class PTuning(VirtualTokens, Adapter):
    """P-tuning (Liu et al. 2021): a soft prompt that an encoder writes while it trains."""

    type: Literal["ptuning"] = "ptuning"
    encoder: Literal["MLP", "LSTM"] = "MLP"
    """The network that computes the soft prompt: `MLP` (three linear layers), or `LSTM` as in the paper."""
    encoder_size: int = Field(128, ge=8, le=8192)
    """Width of that network. It is dropped after training; only what it computes is saved."""

    order: ClassVar[int] = 60
    title: ClassVar[str] = "P-tuning"
    plain: ClassVar[str] = (
        "The model stays as it is; a small network is trained to write an instruction that only the model reads."
    )
    engineer: ClassVar[str] = "P-tuning: virtual tokens through a trained prompt encoder; the base is frozen."
    analogy: ClassVar[str] = (
        "Like hiring a writer for the briefing: the writer learns, the briefing stays, and the writer goes."
    )
    avoid: ClassVar[str] = (
        "Where a run shall be trained further later: the network is not kept. LoRA learns more and keeps all it needs."
    )
    paper: ClassVar[str] = "Liu et al. 2021, GPT Understands, Too, arXiv 2103.10385"
    noun: ClassVar[str] = "soft prompt"
    rate_factor: ClassVar[float] = 20.0
    continues: ClassVar[bool] = False
    overrides: ClassVar[tuple[PrivateName, ...]] = (RESUMED,)

    def peft_arguments(self):
        """A ``PromptEncoderConfig`` for causal language modelling."""
        return "PromptEncoderConfig", {
            "num_virtual_tokens": self.virtual_tokens,
            "encoder_reparameterization_type": self.encoder,
            "encoder_hidden_size": self.encoder_size,
            "task_type": "CAUSAL_LM",
        }

    def first_cache(self, model: Any) -> Any:
        """The keys and values that the base computes for the soft prompt."""
        return cache_of_prompt(model)

    def state_of(self, model: Any) -> dict[str, Any]:
        """The encoder: PEFT's own file has only what it computes."""
        return dict(model.prompt_encoder[model.active_adapter].state_dict())

    def set_state(self, model: Any, state: dict[str, Any]) -> None:
        """Put the encoder back."""
        model.prompt_encoder[model.active_adapter].load_state_dict(state)
