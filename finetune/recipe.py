"""Recipe: everything that decides a run, frozen, and the same in YAML, on the page and on the command line.

Equal recipes on equal data give equal runs. A recipe names things; it loads nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Union

import yaml
from pydantic import Field, StringConstraints, ValidationError

from finetune import yaml_text
from finetune.adapters import ADAPTERS, Adapter
from finetune.adapters.lora import LoRA
from finetune.data.settings import DataSettings
from finetune.errors import Problem, RecipeError
from finetune.methods import METHODS, Method
from finetune.methods.sft import SFT
from finetune.redaction import holds_secret
from finetune.settings import HubRepo, ModelId, Revision, RunId, Settings, problems_of

MethodChoice = Annotated[Union[tuple(METHODS.values())], Field(discriminator="type")]
AdapterChoice = Annotated[Union[tuple(ADAPTERS.values())], Field(discriminator="type")]


class ModelSettings(Settings):
    """The base model: what a run starts from."""

    id: ModelId = "starter"
    """The base model: ``starter``, a folder in ``workspace/models``, or an id on the Hugging Face Hub such as
    ``Qwen/Qwen2.5-0.5B-Instruct``."""
    revision: Revision | None = None
    """Commit, tag or branch of a model on the Hub. Left empty: its newest version."""
    run: RunId | None = None
    """Train the tuned model of this earlier run further, in place of a base model. It keeps what it has learned."""
    chat_template: Literal["own", "chatml"] = "own"
    """Chat template: how the turns of a conversation become one text. ``own`` is the model's; ``chatml`` suits a base
    model that has none."""


class TrainingSettings(Settings):
    """How the model is trained. What is left empty is automatic: it suits the data and the machine, and says why."""

    epochs: float | None = Field(None, gt=0, le=1000)
    """Number of passes over the training data. Too few: little changes; too many: overfitting."""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """Step size of each weight update. Too high: training becomes unstable; too low: nothing changes."""
    batch_size: int | None = Field(None, ge=1, le=1024)
    """Rows per optimizer step. More rows: steadier updates, but fewer of them in an epoch."""
    length: int = Field(1024, ge=16, le=131072)
    """Maximum sequence length, in tokens (pieces of words). Longer rows are truncated; the Data tab counts them."""
    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Fixes all that is random, such as the order of the rows. Equal seeds give equal runs."""
    max_steps: int | None = Field(None, ge=1, le=10_000_000)
    """Stop after this many optimizer steps, whatever ``epochs`` says."""
    accumulation: int = Field(1, ge=1, le=1024)
    """Gradient accumulation: work on each batch in this many micro-batches. Same result, less memory."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """Learning rate schedule: how the step size falls after the warmup. ``constant`` keeps it."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Warmup: the learning rate rises from zero over this share of the steps. Avoids unstable first steps."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Regularization against overfitting: each step also pulls the trained weights slightly towards zero."""
    max_grad_norm: float = Field(1.0, gt=0, le=1000)
    """Gradient clipping: larger gradients are scaled down to this norm, so that one odd row cannot ruin the model."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Mixed precision: bf16 and fp16 are faster and need less memory than fp32. ``auto`` takes the fastest that this
    machine computes safely."""
    packing: bool = True
    """Packing: several short rows share one sequence. Faster, same result; used where the method supports it."""
    activation_checkpointing: bool | None = None
    """Activation checkpointing: recompute activations instead of storing them. Much less memory, a third more time."""
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    """Optimizer: turns gradients into weight updates. ``adamw_8bit`` needs a quarter of the memory for its state."""
    processes: int | None = Field(None, ge=1, le=64)
    """Distributed training: number of processes that share every batch, one per GPU. Left empty: one for each GPU."""
    save_steps: int | None = Field(None, ge=1, le=10_000_000)
    """Save a checkpoint after every so many optimizer steps. Left empty: at each evaluation and every five minutes. An
    interrupted run resumes from the last one."""
    push_to: HubRepo | None = None
    """Push each checkpoint to this private repository on the Hub, such as ``me/pirate-run``: for a machine that loses
    its files, as a Space without storage. The recipe and the events, with the sample answers, go along.
    ``resume --from-hub`` continues from it on any machine."""
    report_to: tuple[Literal["tensorboard", "trackio", "wandb", "mlflow"], ...] = Field((), max_length=4)
    """Trackers: tools that get the losses too, and nothing of the data. ``tensorboard`` writes into the run directory,
    ``trackio`` to this machine; ``wandb`` and ``mlflow`` send them to a server if you set one up for them."""


class EvaluationSettings(Settings):
    """How the run is measured while it trains."""

    times: int = Field(5, ge=0, le=1000)
    """Number of evaluations on the held-out rows, spread evenly over the run."""
    patience: int | None = Field(None, ge=1, le=1000)
    """Early stopping: stop after this many evaluations without improvement. Left empty: train to the end."""
    keep: Literal["best", "last"] = "best"
    """Which checkpoint becomes the tuned model: ``best`` has the lowest held-out loss, ``last`` is the end of the
    run."""
    prompts: tuple[Annotated[str, StringConstraints(max_length=8000)], ...] = Field((), max_length=8)
    """Sample prompts: base and tuned answer them at each evaluation. Left empty: three from the held-out rows."""
    max_tokens: int = Field(64, ge=1, le=4096)
    """Maximum length of the answers to the sample prompts, in tokens."""
    score_rows: int = Field(200, ge=0, le=100_000)
    """Held-out rows that base and tuned answer when the run has ended, for the scores on the Compare tab. 0: none."""

    def evaluated_after(self, total_steps: int) -> set[int]:
        """The steps of a run of ``total_steps`` after which it is evaluated: evenly spread, the last among them."""
        return {step for k in range(1, self.times + 1) if (step := round(total_steps * k / self.times)) > 0}


class Recipe(Settings):
    """Everything that decides a run."""

    name: str = Field("untitled", min_length=1, max_length=80)
    """Name of the run."""
    sweep: str | None = Field(None, max_length=40)
    """Hyper-parameter sweep that the run is part of; set automatically where a recipe with lists is queued."""
    model: ModelSettings = ModelSettings()
    data: DataSettings
    method: MethodChoice = SFT()
    adapter: AdapterChoice = LoRA()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    def check(self) -> tuple[Problem, ...]:
        """Settings that do not go together, whatever the data, the model and the machine; empty if all do."""
        own = self.method.check()
        found = (
            own,
            self._divided(),
            self._paired(),
            self._compared(),
            self._recomputed(),
            self._dropped(),
            self._open(),
            self._patient(),
        )
        return tuple(filter(None, found))

    def _divided(self) -> Problem | None:
        training = self.training
        if not training.batch_size or training.batch_size % training.accumulation == 0:
            return None
        return Problem(
            "training.accumulation",
            f"A batch of {training.batch_size} rows does not divide into {training.accumulation} micro-batches.",
            "Choose a divisor of the batch size.",
        )

    def _paired(self) -> Problem | None:
        """The reason why the method cannot be trained with the adapter, and the nearest adapter that can."""
        reason = refusal(self.method, self.adapter)
        if not reason:
            return None
        instead = f"The nearest that can: {self.method.title} with {nearest(self.method, self.adapter).title}."
        return Problem("adapter", reason, instead)

    def _compared(self) -> Problem | None:
        training, least = self.training, self.method.smallest_micro_batch
        micro_batch = training.batch_size // training.accumulation if training.batch_size else least
        if micro_batch >= least or least == 1:  # what does not divide is another problem
            return None
        return Problem(
            "training.batch_size",
            f"{self.method.title} compares the rows of a micro-batch, and this leaves {micro_batch} in each.",
            f"Keep at least {least}: a larger batch, or less gradient accumulation.",
        )

    def _patient(self) -> Problem | None:
        if self.evaluation.patience is None or self.evaluation.times:
            return None
        return Problem(
            "evaluation.patience",
            "Early stopping waits for evaluations, and there are none (evaluation.times is 0).",
            "Set evaluation.times, or leave evaluation.patience empty.",
        )

    def _recomputed(self) -> Problem | None:
        if not self.training.activation_checkpointing or self.adapter.checkpoints_activations:
            return None
        return Problem(
            "training.activation_checkpointing",
            f"{self.adapter.title} cannot be trained with activation checkpointing.",
            "Switch it off, or choose another adapter.",
        )

    def _dropped(self) -> Problem | None:
        if not self.method.ignores_dropout or not getattr(self.adapter, "dropout", 0):
            return None
        return Problem(
            "adapter.dropout",
            f"{self.method.title} is trained without dropout, since noise would blur what it compares.",
            "Set it to 0.",
        )

    def _open(self) -> Problem | None:
        where = next((path for path, text in _texts(self.to_dict()) if holds_secret(text)), None)
        if where is None:
            return None
        return Problem(
            where,
            "This holds what looks like a password or a key, and a recipe is stored and exported as it is.",
            "Take it out. The key of a judge belongs into the environment variable FINETUNE_JUDGE_KEY.",
        )

    @classmethod
    def from_dict(cls, values: object) -> "Recipe":
        """The recipe that ``values`` describe; one ``RecipeError`` reports all that is wrong with them."""
        if not isinstance(values, dict):
            raise RecipeError("A recipe is a mapping of settings to values.", "README.md has examples, under Recipes.")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = tuple(problems_of(error, types={*METHODS, *ADAPTERS}))
            count = "One setting needs" if len(problems) == 1 else f"{len(problems)} settings need"
            raise RecipeError(f"{count} attention.", problems=problems) from None

    @classmethod
    def from_yaml(cls, text: str) -> "Recipe":
        """The recipe in ``text``; invalid YAML raises ``RecipeError`` with the line."""
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
            "sweep": self.sweep,
            "model": {"id": self.model.id, **short.get("model", {})},
            "data": short["data"],
            "method": {"type": self.method.type, **short.get("method", {})},
            "adapter": {"type": self.adapter.type, **short.get("adapter", {})},
            "training": short.get("training", {}),
            "evaluation": short.get("evaluation", {}),
        }
        return {key: value for key, value in parts.items() if value not in ({}, None)}

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


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in ``value``, with its dotted path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, path)


def refusal(method: Method, adapter: Adapter) -> str:
    """Why ``method`` cannot be trained with ``adapter``, as a sentence; empty if it can."""
    return method.refuses(adapter) or adapter.refuses(method)


def nearest(method: Method, adapter: Adapter) -> type[Adapter]:
    """The adapter most like ``adapter`` that ``method`` can be trained with: itself, one of its sort, or LoRA."""
    able = [cls for cls in ADAPTERS.values() if not refusal(method, cls())]
    alike = [cls for cls in able if cls.attaches_to == adapter.attaches_to]
    return type(adapter) if type(adapter) in able else next(iter([*alike, LoRA]))


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
        return yaml_text.read(text)
    except yaml_text.BudgetError as error:
        raise RecipeError(f"This is no recipe: {error}.", "A recipe is short; write out what it refers to.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise RecipeError(f"This is not valid YAML{where}.", "Check the indentation and the colons there.") from None
    except RecursionError:
        raise RecipeError("This YAML is nested too deeply to be a recipe.", "Check the brackets.") from None
    except (
        ValueError,
        ArithmeticError,
        LookupError,
        TypeError,
    ):  # of a number with thousands of digits, or a day that no month has
        raise RecipeError(
            "This YAML has a number or a date that cannot be.", "Check the longest numbers, or put texts in quotes."
        ) from None


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
