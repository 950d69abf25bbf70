"""The well-known open models that the page offers, and the model folders of a workspace."""

from dataclasses import dataclass

import yaml

from finetune.paths import ASSETS
from finetune.runs.workspace import Workspace


@dataclass(frozen=True)
class KnownModel:
    """A well-known open model, from ``assets/models.yaml``."""

    id: str
    title: str
    parameters: int
    license: str
    gated: bool
    good_for: str
    """What people choose it for, in a few words."""
    lora_gb: float | None
    """GPU memory with LoRA for short rows, in units of 2^30 bytes; None where it can only be measured."""
    qlora_gb: float | None
    """The same with QLoRA; None also where QLoRA does not suit the model's weights."""

    @property
    def needs(self) -> str:
        """Its memory as a sentence."""
        known = [f"{gb:g} GB with {name}" for name, gb in (("QLoRA", self.qlora_gb), ("LoRA", self.lora_gb)) if gb]
        return f"About {', '.join(known)}." if known else "Its memory can only be measured."


def known_models() -> list[KnownModel]:
    """The models that the page offers."""
    return [KnownModel(**entry) for entry in yaml.safe_load((ASSETS / "models.yaml").read_text(encoding="utf-8"))]


def local_models(workspace: Workspace) -> list[str]:
    """The names of the model folders in the workspace."""
    return sorted(path.name for path in workspace.models_dir.iterdir() if (path / "config.json").is_file())
