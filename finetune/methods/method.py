"""What a training method is: its objective, the examples it reads, how it masks them, its TRL trainer, what it costs.

A method says *what is trained on*; which parameters are trained is the adapter's business. Whatever the rest of the
program has to know of a method is declared here, so that nobody asks for its name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from finetune.data.settings import DataSettings
from finetune.data.tokens import TokenSequence
from finetune.errors import Problem
from finetune.methods.measure import Measure
from finetune.private import PrivateName
from finetune.settings import Settings


@dataclass
class Material:
    """What a method is given to build its trainer from."""

    model: Any
    """A ``PreTrainedModel`` in the dtype it will be trained in."""
    tokenizer: Any
    train: list[dict]
    """Rows as ``Method.columns`` returned them."""
    held_out: list[dict]
    arguments: dict[str, Any]
    """Keyword arguments every TRL config takes: output_dir, steps, rate, batch, precision, seed …"""
    durable: Callable[[type], type]
    """Gives a TRL trainer class checkpoints that are whole or not there, and an order of rows that can be resumed."""
    peft_config: Any = None
    callbacks: list = field(default_factory=list)
    end_ids: tuple[int, ...] = ()
    """The tokens that end an answer."""
    helpers: dict[str, Any] = field(default_factory=dict)
    """The further models of ``Method.wants``, loaded, by the same names."""
    teacher: Any = None
    """A frozen model, for a method that ``learns_from`` one."""
    pack: bool = False
    """Put several short rows into one sequence; only for a method that ``packs``."""

    def datasets(self) -> dict[str, Any]:
        """``train_dataset`` and ``eval_dataset`` (None without held-out rows) as ``datasets.Dataset``."""
        from datasets import Dataset

        held_out = Dataset.from_list(self.held_out) if self.held_out else None
        return {"train_dataset": Dataset.from_list(self.train), "eval_dataset": held_out}

    def others(self) -> dict[str, Any]:
        """The arguments that every TRL trainer takes beside its config and its datasets."""
        return {
            "model": self.model,
            "processing_class": self.tokenizer,
            "peft_config": self.peft_config,
            "callbacks": self.callbacks,
        }


class Method(Settings):
    """The base of all methods; a subclass is one file in ``finetune/methods/``."""

    type: str

    # On the card
    order: ClassVar[int] = 100
    title: ClassVar[str]
    plain: ClassVar[str]
    """One sentence for someone who has never trained a model."""
    engineer: ClassVar[str]
    """One line in the field's terms."""
    analogy: ClassVar[str]
    """What it is like, in one sentence for a manager: true, and from a world that everyone knows."""
    avoid: ClassVar[str]
    """When not to use it, and what to use instead."""
    paper: ClassVar[str]
    """Where it comes from: authors, year, title, and the arXiv number."""

    # What it reads
    reads: ClassVar[tuple[str, ...]]
    """The kinds of example it trains on, the one that it is meant for first (``finetune.data.kinds``)."""
    packs: ClassVar[bool] = False
    """True if its trainer can put several rows into one sequence."""
    ignores_dropout: ClassVar[bool] = False
    """True if its trainer switches dropout off, since noise would blur what it compares."""
    smallest_micro_batch: ClassVar[int] = 1
    """Rows that must be in memory at once, since the loss compares them."""
    padding_row: ClassVar[dict[str, Any]]
    """A trainer's row of two tokens without loss: several processes fill up an epoch's last batch with it."""

    joins_texts: ClassVar[bool] = False
    """True if texts are joined and cut into blocks of the maximum length (``finetune.data.blocks``), not truncated."""

    # What it costs
    sequences_per_row: ClassVar[int] = 1
    """Token sequences that one example becomes: 2 for a pair of answers."""
    has_reference: ClassVar[bool] = False
    """True if every row is also scored by the base, of which full fine-tuning then needs a second copy."""
    extra_passes: ClassVar[int] = 0
    """Forward passes of a step beside the one that is trained: those of the reference, of a divergence …"""
    padding: ClassVar[float] = 1.05
    """Tokens in a batch, padding counted, per token of its rows (measured on the samples)."""
    profiled: ClassVar[bool] = True
    """False if its memory and time can only be measured, as where another model is loaded beside the base."""
    generates: ClassVar[bool] = False
    """True if it has the model write answers while it trains."""
    makes_scorer: ClassVar[bool] = False
    """True if its result rates answers and writes none."""
    leaves_as_script: ClassVar[bool] = True
    """True if ``script`` gives its trainer without this program."""
    overrides: ClassVar[tuple[PrivateName, ...]] = ()
    """The private names of its TRL trainer that it overrides: part of the checklist of an upgrade (``compat``)."""

    # What it shows
    loss_unit: ClassVar[str] = "nats per token"
    """What its loss is counted in; empty for a number without a unit."""
    measures: ClassVar[tuple[Measure, ...]] = ()
    """What it reports beside the loss."""
    best_by: ClassVar[str] = "loss"
    """What decides which evaluation is the best: ``loss`` (lower is better), or the name of a measure."""
    loss_shows_learning: ClassVar[bool] = True
    """True if a falling loss means that the model learns; else no rule of the diagnosis looks at it."""

    # What is customary
    few_rows_epochs: ClassVar[int] = 3
    """Epochs over a few hundred rows where the recipe does not say."""
    few_rows_batch: ClassVar[int] = 8
    """Rows per optimizer step over a few hundred rows where the recipe does not say."""
    rate_factor: ClassVar[float] = 1.0
    """Its customary learning rate as a multiple of supervised fine-tuning's."""

    @property
    def trains_all(self) -> bool:
        """True if its settings train on every token, also on those that it masks by default."""
        return False

    @property
    def learns_from(self) -> tuple[str, str | None] | None:
        """Id and revision of a frozen model that it learns from, beside the base; None without one."""
        return None

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of ``rows`` examples of ``kind``, as a sentence.

        ``labels`` is how many answers there are if they are a few fixed ones.
        """
        raise NotImplementedError

    def caution(self, data: DataSettings) -> str:
        """What a person should know before training on ``data``, as a sentence; it is on the model card too."""
        return ""

    def refuses(self, adapter: Any) -> str:
        """Why it cannot be trained with ``adapter`` (an ``Adapter``), as a sentence; empty if it can."""
        return ""

    def wants(self) -> dict[str, Any]:
        """Further models that it trains with, by name: the id of a run, or a judge's settings; empty for most."""
        return {}

    def check(self) -> Problem | None:
        """Settings of its own that do not go together; None if all do."""

    def require_trainable(self, examples: Sequence[dict]) -> None:
        """``DataError`` if ``examples``, each good by itself, cannot be trained on together."""

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """The token sequences trained on for one example, truncated to ``length`` tokens each."""
        raise NotImplementedError

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, Any]:
        """One row of the trainer's dataset: the one place where a mask becomes labels."""
        raise NotImplementedError

    def options(self, pack: bool = False) -> dict[str, Any]:
        """What its TRL config is given beside ``Material.arguments``, as plain values."""
        return {}

    def script(self, pack: bool = False) -> str:
        """Source of ``make_trainer(arguments, train, **others)`` for ``exports.script``: the same trainer.

        ``arguments`` are those of the TRL config, ``options`` among them, and go through the script's ``divided``;
        ``train`` is a ``datasets.Dataset``, ``others`` are further arguments of the trainer. It imports what it uses.
        """
        raise NotImplementedError

    def trainer(self, material: Material):
        """The TRL trainer, ready for ``train()``."""
        raise NotImplementedError

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """The values of ``measures``, from the trainer's log names to ours."""
        return {}
