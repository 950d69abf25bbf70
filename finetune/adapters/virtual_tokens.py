"""What adapters share that put trained virtual tokens before every prompt."""

from typing import ClassVar

from pydantic import Field

from finetune.settings import Settings


class VirtualTokens(Settings):
    """Settings of an adapter that trains virtual tokens over a frozen base; a base beside ``Adapter``."""

    virtual_tokens: int = Field(20, ge=1, le=512)
    """Number of virtual tokens. More: it can learn more, and every answer reads that many tokens more."""

    attaches_to: ClassVar[str] = "prompt"
    packs: ClassVar[bool] = False
    checkpoints_activations: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    takes_4_bits: ClassVar[bool] = True
    profiled: ClassVar[bool] = False

    def own_positions(self) -> int:
        """Those of the virtual tokens."""
        return self.virtual_tokens
