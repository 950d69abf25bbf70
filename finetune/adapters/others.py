"""Further adapters of PEFT, by name: each was tried here against its untouched base, saved, and loaded again."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from finetune.adapters import targets
from finetune.adapters.adapter import Adapter


@dataclass(frozen=True)
class Kind:
    """A type of adapter that PEFT has."""

    config: str
    """Its configuration's class."""
    setting: str
    """What its size is called there."""
    size: int
    rate_factor: float
    """Its learning rate as a multiple of full fine-tuning's."""
    words: str


KINDS = {
    "vera": Kind("VeraConfig", "r", 256, 100.0, "VeRA"),
    "oft": Kind("OFTConfig", "oft_block_size", 32, 10.0, "OFT"),
    "boft": Kind("BOFTConfig", "boft_block_size", 4, 10.0, "BOFT"),
    "loha": Kind("LoHaConfig", "r", 8, 10.0, "LoHa"),
    "lokr": Kind("LoKrConfig", "r", 8, 10.0, "LoKr"),
    "hra": Kind("HRAConfig", "r", 8, 10.0, "HRA"),
    "miss": Kind("MissConfig", "r", 16, 10.0, "MiSS"),
    "randlora": Kind("RandLoraConfig", "r", 32, 10.0, "RandLoRA"),
    "fourierft": Kind("FourierFTConfig", "n_frequency", 1000, 100.0, "FourierFT"),
    "road": Kind("RoadConfig", "group_size", 64, 50.0, "RoAd"),
    "shira": Kind("ShiraConfig", "r", 16, 10.0, "SHiRA"),
    "c3a": Kind("C3AConfig", "block_size", 32, 100.0, "C3A"),
}
"""Each with a size at which it learns, by the name it has in PEFT."""


class Others(Adapter):
    """One of PEFT's further adapters on all linear layers, with its usual settings."""

    type: Literal["peft"] = "peft"
    kind: Literal[tuple(KINDS)] = "vera"
    """Which one."""
    size: int | None = Field(None, ge=1, le=100_000)
    """Its size."""

    order: ClassVar[int] = 130
    title: ClassVar[str] = "Further PEFT adapters"
    plain: ClassVar[str] = "Other small adapters from research, for comparison: each changes the model in its own way."
    engineer: ClassVar[str] = "A further PEFT adapter on all linear layers; the base is frozen."
    analogy: ClassVar[str] = "Like other tools for the same screw: some lighter, some finer, few better."
    avoid: ClassVar[str] = "As a first choice: LoRA is better known, faster here, and loaded by more programs."
    paper: ClassVar[str] = "Mangrulkar et al. 2022, PEFT: State-of-the-art Parameter-Efficient Fine-Tuning methods"
    attaches_to: ClassVar[str] = "linear layers"
    profiled: ClassVar[bool] = False

    @property
    def rate_factor(self) -> float:
        """That of its kind."""
        return KINDS[self.kind].rate_factor

    def peft_arguments(self):
        """The configuration of its kind for causal language modelling."""
        kind = KINDS[self.kind]
        return kind.config, {
            kind.setting: self.size or kind.size,
            "target_modules": "all-linear",
            "task_type": "CAUSAL_LM",
        }

    def suited_to(self, model) -> dict:
        """The layers of ``model`` without an adapter."""
        left = targets.left_out(model)
        return {"exclude_modules": left} if left else {}
