"""Further adapters of PEFT, by name: each was tried here against its untouched base, saved, and loaded again."""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any, ClassVar, Literal

from pydantic import Field

from finetune.adapters import targets
from finetune.adapters.adapter import Adapter
from finetune.adapters.experts import suffixes
from finetune.errors import ModelError

MOST = 16_384
"""The largest size of any."""


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
    divides: tuple[str, ...] = ()
    """The widths of a layer that its size must divide."""
    least: int = 1
    """The smallest size with anything to train."""
    most: Callable[[Any], int] = lambda layer: MOST
    """The largest size for a linear layer."""


def _rank_of_all_weights(layer) -> int:
    """The rank at which SHiRA would train as many weights as ``layer`` has."""
    return layer.in_features * layer.out_features // (layer.in_features + layer.out_features)


KINDS = {
    "vera": Kind("VeraConfig", "r", 256, 400.0, "VeRA"),
    "oft": Kind("OFTConfig", "oft_block_size", 32, 20.0, "OFT", ("in_features",), least=2),
    "boft": Kind("BOFTConfig", "boft_block_size", 4, 120.0, "BOFT", ("in_features",)),
    "loha": Kind("LoHaConfig", "r", 8, 120.0, "LoHa"),
    "lokr": Kind("LoKrConfig", "r", 8, 160.0, "LoKr"),
    "miss": Kind("MissConfig", "r", 16, 20.0, "MiSS", most=lambda layer: layer.in_features),
    "randlora": Kind("RandLoraConfig", "r", 32, 10.0, "RandLoRA"),
    "shira": Kind("ShiraConfig", "r", 16, 40.0, "SHiRA", most=_rank_of_all_weights),
}
"""Each with a size at which it learns, by the name it has in PEFT."""


class Others(Adapter):
    """One of PEFT's further adapters on all linear layers, with its usual settings."""

    type: Literal["peft"] = "peft"
    kind: Literal[tuple(KINDS)] = "vera"
    """Which one: trained scales of shared random matrices (`vera`), rotations of the weights (`oft`, `boft`), Hadamard
    and Kronecker products (`loha`, `lokr`), a repeated small matrix (`miss`), sums of random bases
    (`randlora`), or a few weights of each matrix (`shira`)."""
    size: int | None = Field(None, ge=1, le=MOST)
    """Its size; left empty for a usual one: the rank of most, the width of a block of `oft` and `boft`."""

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
        """The layers that get one: all linear layers but those that none can be beside, by name where PEFT needs it."""
        import torch

        kind, left = KINDS[self.kind], set(targets.left_out(model))
        head = model.get_output_embeddings()
        layers = {
            name: layer
            for name, layer in model.named_modules()
            if isinstance(layer, torch.nn.Linear) and layer is not head and name not in left
        }
        size = self.size or kind.size
        widths = {getattr(layer, which) for layer in layers.values() for which in kind.divides}
        if any(width % size for width in widths):
            raise ModelError(
                f"{kind.words} divides layers into parts of {size}, and this model has widths it does not divide.",
                f"Set `adapter.size` to a divisor of {gcd(*widths):,}.",
            )
        least, most = kind.least, min(map(kind.most, layers.values()))
        if not least <= size <= most:
            raise ModelError(
                f"{kind.words} of size {size:,} does not suit the layers of this model.",
                f"Set `adapter.size` to {least} to {most:,}.",
            )
        return {"target_modules": suffixes([name for name, _ in model.named_modules()], layers, 1)} if left else {}
