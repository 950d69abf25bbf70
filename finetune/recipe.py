"""Recipe: everything that decides a run, frozen, and the same in YAML, on the page and on the command line.

Equal recipes on equal data give equal runs. A recipe names things; it loads nothing.
"""

from pathlib import Path
from typing import Annotated, Literal, Union

import yaml
from pydantic import Field, ValidationError

from finetune.adapters import ADAPTERS
from finetune.adapters.lora import LoRA
from finetune.data.settings import DataSettings
from finetune.errors import RecipeError
from finetune.methods import METHODS
from finetune.methods.sft import SFT
from finetune.settings import Settings, problems_of

MethodChoice = Annotated[Union[tuple(METHODS.values())], Field(discriminator="type")]
AdapterChoice = Annotated[Union[tuple(ADAPTERS.values())], Field(discriminator="type")]


class ModelSettings(Settings):
    """The model a run starts from."""

    id: str = Field("starter", min_length=1, max_length=200)
    """``starter``, a model folder in the workspace, or a Hugging Face id such as ``Qwen/Qwen2.5-0.5B-Instruct``."""
    revision: str | None = Field(None, max_length=100)
    """The commit, tag or branch of a model from the hub; without it, the newest."""
    run: str | None = Field(None, max_length=100)
    """An earlier run of this workspace whose tuned model is trained further; it keeps what it has learnt."""
    chat_template: Literal["own", "chatml"] = "own"
    """How conversations are written for it: its own way, or ChatML, for a base model that has none. (chat template)"""


class TrainingSettings(Settings):
    """How the model is trained. What is left empty is chosen for the data and the machine, with the reason shown."""

    epochs: float | None = Field(None, gt=0, le=1000)
    """How many times it goes through the data; more learns it better, too many learns it by heart."""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """How big each correction is; too high and it forgets how to speak, too low and nothing changes."""
    batch_size: int | None = Field(None, ge=1, le=1024)
    """How many rows it looks at before each correction."""
    length: int = Field(1024, ge=16, le=131072)
    """The longest row it reads, in tokens (pieces of words); what is beyond is cut off, and counted on the Data tab."""
    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Decides the order of rows and every other chance; equal seeds give equal runs."""
    max_steps: int | None = Field(None, ge=1, le=10_000_000)
    """Stop after this many corrections, whatever the epochs say."""
    accumulation: int = Field(1, ge=1, le=1024)
    """Split each batch into this many parts: the same result with less memory at once. (gradient accumulation)"""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the corrections shrink towards the end of training."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the training during which corrections grow from nothing to full size."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Pulls weights gently towards zero, against learning by heart."""
    max_grad_norm: float = Field(1.0, gt=0, le=1000)
    """Cuts off corrections larger than this, so that one odd row cannot do damage."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Number format of the arithmetic; ``auto`` takes the fastest that this machine computes safely."""
    packing: bool = True
    """Put several short rows into one sequence, which trains faster with the same result (where the method can)."""
    activation_checkpointing: bool | None = None
    """Recompute instead of remember: much less memory for about a third more time."""
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    """How corrections are worked out: in full precision, or with a quarter of the memory for what is remembered."""
    processes: int | None = Field(None, ge=1, le=64)
    """How many graphics cards share the work; without it, all that this machine has."""
    save_steps: int | None = Field(None, ge=1, le=10_000_000)
    """Keep a checkpoint after so many corrections; without it, at each check and every five minutes. If the machine
    stops, what came after the last one is lost."""


class EvaluationSettings(Settings):
    """How the run is watched."""

    times: int = Field(5, ge=0, le=1000)
    """How often the held-out rows are scored during the run."""
    patience: int | None = Field(None, ge=1, le=1000)
    """Stop early once so many checks in a row are no better than the best before; without it, it trains to the end."""
    keep: Literal["best", "last"] = "best"
    """Which model is kept at the end: the one with the lowest loss on held-out rows, or the last."""
    prompts: tuple[str, ...] = Field((), max_length=8)
    """Questions it answers at each check, base beside tuned; without any, three are taken from the held-out rows."""
    max_tokens: int = Field(64, ge=1, le=4096)
    """The longest answer to those questions, in tokens."""

    def steps_of(self, steps: int) -> set[int]:
        """The steps after which a run of so many is checked, evenly spread, the last among them."""
        return {step for k in range(1, self.times + 1) if (step := round(steps * k / self.times)) > 0}


class Recipe(Settings):
    """Everything that decides a run."""

    name: str = Field("untitled", min_length=1, max_length=80)
    """What the run is called."""
    sweep: str | None = Field(None, max_length=40)
    """The sweep that the run is part of, set for you where a recipe with lists is queued."""
    model: ModelSettings = ModelSettings()
    data: DataSettings
    method: MethodChoice = SFT()
    adapter: AdapterChoice = LoRA()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @classmethod
    def from_dict(cls, values: object) -> "Recipe":
        """The recipe that ``values`` describe; all that is wrong with them raises one ``RecipeError``."""
        if not isinstance(values, dict):
            raise RecipeError("A recipe is a list of settings with values.", "See assets/recipes for examples.")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = tuple(problems_of(error, types={*METHODS, *ADAPTERS}))
            count = "One setting needs" if len(problems) == 1 else f"{len(problems)} settings need"
            raise RecipeError(f"{count} attention.", problems=problems) from None

    @classmethod
    def from_yaml(cls, text: str) -> "Recipe":
        """The recipe in ``text``; a damaged YAML raises ``RecipeError`` with the line."""
        return cls.from_dict(read_yaml(text))

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """The recipe in the file ``path``."""
        return cls.from_yaml(read_file(path))

    def to_dict(self, full: bool = False) -> dict:
        """The settings that differ from the defaults, with each ``type`` and the name; all of them if ``full``."""
        everything = self.model_dump(mode="json")
        if full:
            return everything
        short = self.model_dump(mode="json", exclude_defaults=True)
        parts = {
            "name": self.name,
            "model": {"id": self.model.id, **short.get("model", {})},
            "data": short["data"],
            "method": {"type": self.method.type, **short.get("method", {})},
            "adapter": {"type": self.adapter.type, **short.get("adapter", {})},
            "training": short.get("training", {}),
            "evaluation": short.get("evaluation", {}),
        }
        return {key: value for key, value in parts.items() if value != {}}

    def to_yaml(self, full: bool = False) -> str:
        """``to_dict`` as YAML that ``from_yaml`` reads back to an equal recipe."""
        return yaml.dump(self.to_dict(full), Dumper=_Dumper, sort_keys=False, allow_unicode=True)

    def changed(self, **settings: object) -> "Recipe":
        """This recipe with settings replaced, named by dotted paths (``**{"method.type": "dpo"}``).

        A new ``type`` drops the old one's own settings.
        """
        values = self.to_dict(full=True)
        for path, value in settings.items():
            set_path(values, path, value)
        return Recipe.from_dict(values)


def read_file(path: Path) -> str:
    """The text of the recipe in the file ``path``; ``RecipeError`` says why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"The recipe {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RecipeError(f"The recipe {path} is not a text file.", "A recipe is YAML in UTF-8.") from None


def read_yaml(text: str) -> object:
    """The value in ``text``; ``RecipeError`` names the line of a mistake."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise RecipeError(f"This is not valid YAML{where}.", "Check the indentation and the colons there.") from None
    except RecursionError:
        raise RecipeError("This YAML is nested too deeply to be a recipe.", "Check the brackets.") from None


def set_path(values: dict, path: str, value: object) -> None:
    """Put ``value`` at the dotted ``path`` of nested dicts; a new ``type`` empties its group first."""
    *groups, last = path.split(".")
    for group in groups:
        values = values.setdefault(group, {})
        if not isinstance(values, dict):
            raise RecipeError(f"{path}: {group} is a value, not a group of settings.")
    if last == "type" and values.get("type") != value:
        values.clear()
    values[last] = value


class _Dumper(yaml.SafeDumper):
    """Writes every text so that it is read back as it was."""


def _text(dumper: yaml.SafeDumper, text: str):
    # Outside double quotes PyYAML writes the control character NEL as it is, and reads it back as a line break.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\x85" in text else None)


_Dumper.add_representer(str, _text)
