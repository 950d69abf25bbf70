"""What an adapter is: its settings, how the base is loaded for it, its PEFT configuration, and what goes with it.

An adapter says *which parameters are trained*; the objective is the method's business. Whatever the rest of the program
has to know of an adapter is declared here, so that nobody asks for its name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Literal

from finetune.errors import ModelError, first_sentence
from finetune.private import PrivateName
from finetune.settings import Settings

RESUMED = PrivateName.declared(
    "transformers.Trainer._load_from_checkpoint(self, resume_from_checkpoint, model)",
    "finetune.training.trainer.durable",
    "PEFT saves of some adapters only what answers need. Without it a resumed run trains other values than it had.",
)
"""What an adapter with a state of its own (``state_of``) needs overridden."""


@dataclass(frozen=True)
class Call:
    """A function of an adapter's module with its plain arguments, which an exported script repeats.

    The script repeats its source, so it imports what it uses and calls no other function of its module.
    """

    function: Callable[..., None]
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *given: Any) -> None:
        self.function(*given, **self.arguments)


class Adapter(Settings):
    """The base of all adapters; a subclass is one file in ``finetune/adapters/``."""

    type: str

    # On the card, and in an export
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
    noun: ClassVar[str] = "adapter"
    """What is saved, in a model card: ``LoRA adapter``."""

    # What it trains
    attaches_to: ClassVar[Literal["weights", "linear layers", "activations", "norms", "prompt"]]
    """The model's own ``weights``, matrices beside its ``linear layers``, what flows between layers (``activations``),
    copies of its ``norms``, or virtual tokens before every ``prompt``."""
    weight_bits: ClassVar[int] = 16
    """Bits per weight of the base while it trains."""
    rate_factor: ClassVar[float] = 1.0
    """Its customary learning rate as a multiple of full fine-tuning's."""

    # What goes with it
    packs: ClassVar[bool] = True
    """True if several rows may share a sequence."""
    checkpoints_activations: ClassVar[bool] = True
    """True if activations can be recomputed instead of kept (activation checkpointing)."""
    merges: ClassVar[bool] = True
    """True if what was trained can be merged into the base, or is a whole model already."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Settings that a saved adapter has for good, beside those in ``peft_arguments``."""
    takes_4_bits: ClassVar[bool] = False
    """True if it trains over weights that are stored in 4 bits."""
    continues: ClassVar[bool] = True
    """True if a saved adapter holds all that is needed to train it further in another run."""
    profiled: ClassVar[bool] = True
    """True if the dry run of ``fit.profile`` covers it; else its memory can only be measured."""
    overrides: ClassVar[tuple[PrivateName, ...]] = ()
    """The private names that it needs overridden: part of the checklist of an upgrade (``compat``)."""
    code: ClassVar[str] = ""
    """The module of its PEFT classes where they are not PEFT's own: one file that needs PEFT alone."""

    # What is done beside what PEFT does; an exported script repeats each
    def on_base(self) -> Call | None:
        """Given the loaded base, before anything is attached to it: which of its own weights are trained."""
        return None

    def choose_weights(self, model: Any) -> None:
        """Do to the base ``model`` what ``on_base`` says; ``ModelError`` if it has nothing of the kind to train."""
        if choose := self.on_base():
            try:
                choose(model)
            except ValueError as error:
                raise ModelError(
                    first_sentence(error), "Choose other layers, or LoRA, which suits all models."
                ) from None

    def on_adapter(self) -> Call | None:
        """Given the ``PeftModel`` of a new adapter and the tokenizer: first values, where PEFT's own will not do."""
        return None

    def on_trainer(self) -> Call | None:
        """Given the TRL trainer before its first step: what is done at each step beside it."""
        return None

    def on_saved(self) -> Call | None:
        """Given the trained model and the folder that it was saved to: what is changed or put beside it there."""
        return None

    def refuses(self, method: Any) -> str:
        """Why it cannot be trained by ``method`` (a ``Method``), as a sentence; empty if it can."""
        return ""

    def lighter(self) -> str:
        """The type of the adapter that a run continues with where memory runs out; empty if there is none."""
        return ""

    @property
    def rewrites_base(self) -> bool:
        """True if it takes its first values out of the base's weights, so that with it off the base is another one."""
        return False

    def quantization_arguments(self) -> dict[str, Any] | None:
        """Plain arguments of the ``BitsAndBytesConfig`` for the frozen base, or None if it is not quantized."""
        return None

    def peft_arguments(self) -> tuple[str, dict[str, Any]] | None:
        """The PEFT configuration's class by name, with its plain arguments; None if the model's own weights train."""
        return None

    def suited_to(self, model: Any) -> dict[str, Any]:
        """Plain arguments that the PEFT configuration needs beside ``peft_arguments``, or instead, for ``model``."""
        return {}

    def own_positions(self) -> int:
        """Positions of the model's context that it takes itself, in tokens."""
        return 0

    def first_cache(self, model: Any) -> Any:
        """The key-value cache (a ``DynamicCache`` of one row) that a tuned answer of ``model`` begins with.

        None if it begins with an empty one. Where there is one, base and tuned are the same layers with and without it.
        """
        return None

    def state_of(self, model: Any) -> dict[str, Any]:
        """The tensors that a checkpoint needs beside PEFT's own file to resume exactly; empty if it needs none."""
        return {}

    def set_state(self, model: Any, state: dict[str, Any]) -> None:
        """Put the tensors that ``state_of`` returned back into ``model``, in place of PEFT's own file."""

    def quantization(self) -> Any:
        """How Transformers quantizes the base while loading it, or None."""
        from transformers import BitsAndBytesConfig

        arguments = self.quantization_arguments()
        return BitsAndBytesConfig(**arguments) if arguments else None

    def peft_config(self, model: Any = None) -> Any:
        """The PEFT configuration for ``model``, or None if the model's own weights are trained."""
        if self.peft_arguments() is None:
            return None
        name, arguments = self.peft_arguments()
        suited = self.suited_to(model) if model is not None else {}
        return getattr(import_module(self.code or "peft"), name)(**arguments | suited)

    def trains_base(self) -> bool:
        """True if the base's own weights are trained, so that they need gradients and optimizer state."""
        return self.peft_arguments() is None
