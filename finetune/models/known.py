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
    needs: str
    note: str = ""


def known_models() -> list[KnownModel]:
    """The models that the page offers."""
    return [KnownModel(**entry) for entry in yaml.safe_load((ASSETS / "models.yaml").read_text(encoding="utf-8"))]


def local_models(workspace: Workspace) -> list[str]:
    """The names of the model folders in the workspace."""
    return sorted(path.name for path in workspace.models_dir.iterdir() if (path / "config.json").is_file())
