"""LoRA: low-rank matrices beside the frozen weights, and only they are trained."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from finetune.adapters import experts, names, targets
from finetune.adapters.adapter import Adapter, Call

ALL, ATTENTION = "all-linear", "attention"
"""What ``target_modules`` may say in place of names."""


def remember_start(model, tokenizer):
    """Note the first values of the new LoRA of ``model``, which were taken out of the base's weights."""
    from peft import get_peft_model_state_dict

    start = get_peft_model_state_dict(model, save_embedding_layers=False)
    vars(model)["first_values"] = {name: weight.detach().cpu().clone() for name, weight in start.items()}


def fit_to_untouched_base(model, folder):
    """Rewrite the LoRA of ``model`` in ``folder`` as one of twice the rank, beside the base as it was.

    The base lost B₀A₀ when the LoRA got its first values, so what it gains is BA - B₀A₀ = [B, -B₀][A; A₀].
    """
    import json

    import torch
    from safetensors.torch import load_file, save_file

    start = vars(model).get("first_values")
    if not start:
        return
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    for name, weight in weights.items():
        if ".lora_A." in name:
            weights[name] = torch.cat([weight, start[name].to(weight.dtype)])
        elif ".lora_B." in name:
            weights[name] = torch.cat([weight, -start[name].to(weight.dtype)], dim=1)
    save_file(weights, path, metadata={"format": "pt"})
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["lora_alpha"] *= 2**0.5 if config["use_rslora"] else 2
    config |= {"r": 2 * config["r"], "init_lora_weights": True}
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def raise_rate_of_b(trainer, ratio):
    """Have ``trainer`` train the matrices B of a LoRA with ``ratio`` times the learning rate."""
    from peft.optimizers import create_loraplus_optimizer

    def create_optimizer(model=None):
        if trainer.optimizer is None:
            made, given = trainer.get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
            given = {**given, "lr": trainer.args.learning_rate, "loraplus_weight_decay": trainer.args.weight_decay}
            given["loraplus_lr_embedding"] = trainer.args.learning_rate
            trainer.optimizer = create_loraplus_optimizer(
                model or trainer.model, made, loraplus_lr_ratio=ratio, **given
            )
        return trainer.optimizer

    trainer.create_optimizer = create_optimizer


class LoRA(Adapter):
    """Low-rank adaptation (Hu et al. 2021) of every linear layer."""

    type: Literal["lora"] = "lora"
    rank: int = Field(16, ge=1, le=512)
    """Rank of the trained matrices. Higher: the adapter can learn more and takes more memory. (r)"""
    alpha: int = Field(32, ge=1, le=1024)
    """Scale of the adapter; twice the rank is usual. (α; the update is scaled by α / r)"""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the adapter's inputs dropped at random while training, against overfitting."""
    experts: bool = True
    """Train the experts of a mixture of experts too: most of its weights. A step takes about half as long again and
    up to twice the memory. (PEFT's target_parameters; not with dropout)"""
    rslora: bool = Field(False, title="rsLoRA")
    """Rank-stabilized scale: α / √r in place of α / r, so that a high rank learns as fast as a low one. (rsLoRA)"""
    dora: bool = Field(False, title="DoRA")
    """Train the length of each weight vector apart from its direction: often better at low rank, and slower. (DoRA)"""
    init: Literal["default", "pissa", "olora"] = Field("default", title="Initialization")
    """First values: `default` changes nothing at first; `pissa` starts from the largest singular vectors of the
    weights and `olora` from an orthogonal basis of them, which can learn faster. What is saved has twice the rank."""
    b_rate: float = Field(1.0, ge=1, le=64, title="LoRA+ ratio")
    """Learning rate of B as a multiple of that of A; 16 is usual, with a lower rate for both. (LoRA+)"""
    target_modules: str = Field(ALL, min_length=1, max_length=400)
    """Which layers get an adapter: `all-linear`, `attention`, or names, e.g. `q_proj, v_proj`. Fewer: less memory, and
    it learns less."""
    modules_to_save: str = Field("", max_length=400)
    """Layers that are trained whole and saved with the adapter, e.g. `embed_tokens, lm_head` for new tokens."""

    order: ClassVar[int] = 20
    title: ClassVar[str] = "LoRA"
    plain: ClassVar[str] = (
        "The model stays as it is and a small adapter is trained beside it. Quick, light, and easy to undo."
    )
    engineer: ClassVar[str] = "LoRA on all linear layers; the frozen base in bf16 where the machine can."
    analogy: ClassVar[str] = (
        "Like notes on transparent film over a printed book: the book stays as it is, and the film lifts off."
    )
    avoid: ClassVar[str] = (
        "Where the model must learn a new language or a large body of knowledge: full fine-tuning can store more."
    )
    paper: ClassVar[str] = "Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685"
    kept: ClassVar[tuple[str, ...]] = ("experts",)
    noun: ClassVar[str] = "LoRA adapter"
    attaches_to: ClassVar[str] = "linear layers"
    rate_factor: ClassVar[float] = 10.0

    @model_validator(mode="after")
    def _go_together(self):
        if both := {*names.listed(self.target_modules)} & {*names.listed(self.modules_to_save)}:
            raise ValueError(f"{min(both)} is in target_modules and in modules_to_save: name it in one of them")
        if self.rewrites_base:
            others = [name for name in ("dora", "modules_to_save") if getattr(self, name)]
            if others:
                raise ValueError(f"init {self.init} takes its first values out of the base: not with {others[0]}")
            if self.quantization_arguments():
                raise ValueError(f"init {self.init} rewrites the base's weights, which quantized ones do not allow")
        return self

    @property
    def rewrites_base(self) -> bool:
        """True for first values that are taken out of the base's weights."""
        return self.init != "default"

    @property
    def takes_4_bits(self) -> bool:
        """True unless it must rewrite the base's weights."""
        return not self.rewrites_base

    def peft_arguments(self):
        """A ``LoraConfig`` for causal language modelling; which layers are attention only a model says."""
        listed = names.listed(self.target_modules)
        layers = {} if listed == [ATTENTION] else {"target_modules": ALL if listed == [ALL] else listed}
        special = {
            "use_rslora": self.rslora,
            "use_dora": self.dora,
            "init_lora_weights": self.init if self.rewrites_base else None,
            "modules_to_save": names.listed(self.modules_to_save),
        }
        return "LoraConfig", {
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            **layers,
            **{name: value for name, value in special.items() if value},
            "task_type": "CAUSAL_LM",
        }

    def suited_to(self, model) -> dict:
        """The layers of ``model`` without an adapter, and its experts, where dropout can be left to PEFT's own layers.

        PEFT adds an expert's B A to its weights before their input is known, so it has nothing to drop there; nor does
        it know DoRA or first values of another kind for them.
        """
        left, listed = targets.left_out(model), names.listed(self.target_modules)
        found: dict[str, Any] = {"exclude_modules": left} if left else {}
        if saved := names.listed(self.modules_to_save):
            names.require(model, saved, "adapter.modules_to_save")
            if self.quantization_arguments():
                names.require_unquantized(model, saved, "adapter.modules_to_save")
            found |= {"ensure_weight_tying": True} if model.config.tie_word_embeddings else {}
        if listed == [ATTENTION]:
            return found | {"target_modules": targets.attention(model)}
        if listed != [ALL]:
            names.require_layers(model, listed, "adapter.target_modules", left)
            return found
        plain = not (self.dropout or self.dora or self.rewrites_base)
        quantized = bool(self.quantization_arguments())
        return found | experts.arguments(model, self.rank, self.alpha, self.experts and plain, left, quantized)

    def on_adapter(self) -> Call | None:
        """First values that were taken out of the base are remembered, for the day that it is saved."""
        return Call(remember_start) if self.rewrites_base else None

    def on_trainer(self) -> Call | None:
        """LoRA+ gives B a rate of its own."""
        return Call(raise_rate_of_b, {"ratio": self.b_rate}) if self.b_rate > 1 else None

    def on_saved(self) -> Call | None:
        """What is saved fits the untouched base."""
        return Call(fit_to_untouched_base) if self.rewrites_base else None

    def refuses(self, method: Any) -> str:
        if self.rewrites_base and (method.has_reference or getattr(method, "beta", 0)):
            return (
                f"{method.title} compares with the untouched base at each step, and LoRA with the first values "
                f"{self.init} has rewritten it."
            )
        return ""

    def lighter(self) -> str:
        return "" if self.rewrites_base else "qlora"
