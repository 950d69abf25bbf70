"""What a training method is: its settings, the examples it reads, how it masks them, and its TRL trainer.

A method says *what is learnt from*; which weights move is the adapter's business.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from finetune.data.tokens import TokenSequence
from finetune.methods.measure import Measure
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
    pack: bool = False
    """Put several short rows into one sequence; only for a method that ``packs``."""


class Method(Settings):
    """The base of all methods; a subclass is one file in ``finetune/methods/``."""

    type: str

    order: ClassVar[int] = 100
    title: ClassVar[str]
    plain: ClassVar[str]
    """One sentence for someone who has never trained a model."""
    engineer: ClassVar[str]
    """One line in the field's terms."""
    reads: ClassVar[tuple[str, ...]]
    """The example kinds it can learn from, e.g. ``("chat", "text")``."""
    few_rows_epochs: ClassVar[int] = 3
    """How often it goes through a few hundred rows where the recipe does not say."""
    packs: ClassVar[bool] = False
    """True if its trainer can put several rows into one sequence."""
    rate_factor: ClassVar[float] = 1.0
    """Its customary learning rate as a multiple of supervised fine-tuning's."""
    measures: ClassVar[tuple[Measure, ...]] = ()
    """What it reports beside the loss."""
    padding_row: ClassVar[dict[str, list[int]]]
    """A row of two tokens from which nothing is learnt: several processes fill up an epoch's last batch with it."""

    @property
    def trains_all(self) -> bool:
        """True if its settings have it learn every word, also those that it leaves out by default."""
        return False

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """The token sequences trained on for one example, cut to ``length`` tokens each."""
        raise NotImplementedError

    def columns(self, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """One row of the trainer's dataset, from ``sequences``: the one place where a mask becomes labels."""
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
        """What the page shows beside the loss, from the trainer's log names to ours."""
        return {}
