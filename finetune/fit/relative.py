"""What each method and each adapter costs against SFT with LoRA, for one model and one data set.

A method is compared with LoRA, and an adapter with SFT, so that one thing differs at a time. The numbers are those of
``fit.estimate``; what it cannot tell is not guessed here either.
"""

from dataclasses import dataclass, replace

from finetune.adapters import ADAPTERS
from finetune.adapters.lora import LoRA
from finetune.data.counts import Counts
from finetune.data.settings import DataSettings
from finetune.errors import FinetuneError
from finetune.fit.estimate import estimate_fit
from finetune.methods import METHODS, method_for
from finetune.methods.sft import SFT
from finetune.recipe import ModelSettings, Recipe, TrainingSettings, nearest, refusal
from finetune.runs.workspace import Workspace

Pair = tuple[str, str]
"""The types of a method and an adapter."""
MEASURE: Pair = (SFT().type, LoRA().type)
"""The pair that all others are compared with."""


@dataclass(frozen=True)
class Setting:
    """One model and one data set, for which costs are compared."""

    model: ModelSettings
    length: int
    """The longest sequence, in tokens."""
    kind: str
    """The kind of the rows that were counted."""
    counts: Counts


@dataclass(frozen=True)
class Cost:
    """Memory and time of a run; 0 and None where they can only be measured."""

    memory_bytes: int = 0
    seconds: float | None = None


def pair_of(axis: str, name: str) -> Pair:
    """The pair in which the method or the adapter ``name`` is compared: everything else as in ``MEASURE``."""
    if axis == "method":
        return name, nearest(METHODS[name](), LoRA()).model_fields["type"].default
    method = next((each for each in (SFT, *METHODS.values()) if not refusal(each(), ADAPTERS[name]())), SFT)
    return method.model_fields["type"].default, name


def cost(setting: Setting, pair: Pair, workspace: Workspace) -> Cost:
    """The cost of training ``pair`` in ``setting``; of no cost is known anything without the model's config.

    The time of a method that has the model write answers depends on how long these get, and can only be measured.
    """
    method, adapter = METHODS[pair[0]](), ADAPTERS[pair[1]]()
    recipe = Recipe(
        data=DataSettings(path="rows.jsonl"),
        model=setting.model,
        method=method,
        adapter=adapter,
        training=TrainingSettings(length=setting.length),
    )
    try:
        found = estimate_fit(recipe, workspace, _read_by(setting, method.sequences_per_row), gpus=False)
    except FinetuneError:
        return Cost()
    return Cost(found.estimate_bytes, None if method.generates else found.seconds)


def _read_by(setting: Setting, sequences: int) -> Counts:
    """The counts of rows like these for a method that makes so many ``sequences`` of each."""
    counted_by = method_for(setting.kind).sequences_per_row if setting.kind else 1
    share = sequences / counted_by
    scaled = replace(setting.counts.times(share), rows=setting.counts.rows)
    return replace(scaled, most_trained=round(setting.counts.most_trained * share))
