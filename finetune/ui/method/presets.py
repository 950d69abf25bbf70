"""The presets of the Method tab: named pairs of method and adapter, from ``assets/recipes/``."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter

from finetune.adapters import Adapter
from finetune.methods import Method
from finetune.paths import ASSETS
from finetune.recipe import AdapterChoice, MethodChoice
from finetune.settings import Settings

RECIPES = ASSETS / "recipes"


class Preset(Settings):
    """One preset: its title, its explanation, and what it sets."""

    name: str
    title: str
    plain: str
    """One sentence for someone who has never trained a model."""
    engineer: str
    """One line in the field's terms."""
    method: dict
    adapter: dict
    training: dict = {}

    def parts(self) -> tuple[Method, Adapter]:
        """The method and the adapter it sets, with their defaults."""
        return TypeAdapter(MethodChoice).validate_python(self.method), TypeAdapter(AdapterChoice).validate_python(
            self.adapter
        )


def presets(folder: Path = RECIPES) -> list[Preset]:
    """The presets in the order of their file names."""
    return [
        Preset.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    ]
