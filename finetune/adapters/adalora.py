"""AdaLoRA: LoRA whose rank moves to the layers that need it while it trains."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from finetune.adapters import targets
from finetune.adapters.adapter import RESUMED, Adapter, Call
from finetune.private import PrivateName


def allocate_ranks(trainer, warmup, final, regularization):
    """Have ``trainer`` move ranks between the layers of its AdaLoRA after each step, by the plan of its length.

    Ranks fall to their target after a share ``warmup`` of the steps and before the last share ``final``. The penalty
    that keeps A and B orthogonal (Zhang et al. 2023, eq. 4) goes into the gradients and not into the loss, which would
    not be comparable otherwise.
    """
    import torch
    from transformers import TrainerCallback

    tuner = trainer.model.base_model
    config = tuner.peft_config["default"]
    config.orth_reg_weight = 0.0
    # PEFT saves no number of ranks, so a trained one would be lost; over a base in 16 bits it leaves them trainable.
    for name, weight in tuner.model.named_parameters():
        if ".ranknum." in name:
            weight.requires_grad_(False)

    class Allocation(TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            config.total_step = state.max_steps
            config.tinit, config.tfinal = int(warmup * state.max_steps), int(final * state.max_steps)

        def on_pre_optimizer_step(self, args, state, control, **kwargs):
            named = [(name, weight) for name, weight in tuner.model.named_parameters() if weight.requires_grad]
            bases = [(name, weight) for name, weight in named if "lora_A" in name or "lora_B" in name]
            for name, weight in bases:
                with torch.enable_grad():
                    values = weight.detach().float().requires_grad_()
                    product = values @ values.T if "lora_A" in name else values.T @ values
                    penalty = torch.linalg.norm(product - torch.eye(len(product), device=product.device))
                    (gradient,) = torch.autograd.grad(penalty, values)
                weight.grad += regularization / len(bases) * gradient

        def on_optimizer_step(self, args, state, control, **kwargs):
            # Two steps are the least in which PEFT can score a weight and then choose.
            if config.total_step - config.tfinal > 1:
                tuner.update_and_allocate(state.global_step + 1)

    trainer.add_callback(Allocation)


class AdaLoRA(Adapter):
    """Adaptive low-rank adaptation (Zhang et al. 2023): a budget of ranks that the layers compete for."""

    type: Literal["adalora"] = "adalora"
    rank: int = Field(8, ge=1, le=512)
    """Rank of a layer's matrices at the end, on average. Higher: the adapter can learn more. (target_r)"""
    start_rank: int = Field(12, ge=2, le=1024)
    """Rank of each layer at the start, from which the least useful ones are removed. (init_r)"""
    alpha: int = Field(32, ge=1, le=1024)
    """Scale of the adapter. (α)"""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the adapter's inputs dropped at random while training, against overfitting."""
    warmup: float = Field(0.1, ge=0, lt=0.5)
    """Share of the steps before the first rank is removed. (tinit)"""
    final: float = Field(0.3, ge=0, lt=0.5)
    """Share of the steps after the last rank is removed. (tfinal)"""
    orthogonality: float = Field(0.5, ge=0, le=10)
    """Strength of the penalty that keeps the ranks of a layer apart from each other. (orth_reg_weight)"""

    order: ClassVar[int] = 100
    title: ClassVar[str] = "AdaLoRA"
    plain: ClassVar[str] = (
        "Like LoRA, and while it trains, room is taken from layers that need little and left to those that need more."
    )
    engineer: ClassVar[str] = "AdaLoRA: SVD-shaped LoRA on all linear layers, ranks pruned by importance as it trains."
    analogy: ClassVar[str] = (
        "Like a budget that is reviewed each month: departments that do little with theirs give some of it up."
    )
    avoid: ClassVar[str] = (
        "For short runs, which end before ranks are known, and to compare with LoRA at one rank: plain LoRA is simpler."
    )
    paper: ClassVar[str] = (
        "Zhang et al. 2023, AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning, arXiv 2303.10512"
    )
    noun: ClassVar[str] = "AdaLoRA adapter"
    attaches_to: ClassVar[str] = "linear layers"
    rate_factor: ClassVar[float] = 40.0
    continues: ClassVar[bool] = False
    profiled: ClassVar[bool] = False
    overrides: ClassVar[tuple[PrivateName, ...]] = (RESUMED,)

    @model_validator(mode="after")
    def _falls(self):
        if self.start_rank <= self.rank:
            raise ValueError(f"start_rank must be above rank ({self.rank}), since ranks are only removed")
        return self

    def peft_arguments(self):
        """An ``AdaLoraConfig`` for causal language modelling; the number of steps is set once it is known."""
        return "AdaLoraConfig", {
            "target_r": self.rank,
            "init_r": self.start_rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "total_step": 1,
            "target_modules": "all-linear",
            "task_type": "CAUSAL_LM",
        }

    def suited_to(self, model) -> dict:
        """The layers of ``model`` without an adapter."""
        left = targets.left_out(model)
        return {"exclude_modules": left} if left else {}

    def on_trainer(self) -> Call:
        """Ranks are allocated after each step."""
        return Call(
            allocate_ranks,
            {"warmup": self.warmup, "final": self.final, "regularization": self.orthogonality},
        )

    def state_of(self, model: Any) -> dict[str, Any]:
        """All ranks, removed ones too, with what their importance is computed from: PEFT's file has those left."""
        import torch

        tuner, config = model.base_model, model.active_peft_config
        state = {f"weight:{name}": each for name, each in model.named_parameters() if each.requires_grad}
        for part in SCORES:
            state |= {f"{part}:{name}": each for name, each in getattr(tuner.rankallocator, part).items()}
        kept = config.rank_pattern or {}
        return state | {f"kept:{name}": torch.tensor(each) for name, each in kept.items()}

    def set_state(self, model: Any, state: dict[str, Any]) -> None:
        """Put weights, importance and the choice of ranks back."""
        import torch

        tuner, config = model.base_model, model.active_peft_config
        weights = dict(model.named_parameters())
        parts: dict[str, dict] = {part: {} for part in ("weight", "kept", *SCORES)}
        for key, tensor in state.items():
            part, _, name = key.partition(":")
            parts[part][name] = tensor
        with torch.no_grad():
            for name, tensor in parts["weight"].items():
                weights[name].copy_(tensor)
        for part in SCORES:
            setattr(tuner.rankallocator, part, {name: each.to(model.device) for name, each in parts[part].items()})
        config.rank_pattern = {name: each.tolist() for name, each in parts["kept"].items()} or None


SCORES = ("ipt", "exp_avg_ipt", "exp_avg_unc")
"""What PEFT's ``RankAllocator`` keeps of each weight: its importance, and running means of it and of its change."""
