"""Direct preference optimization: the model learns which of two answers people prefer."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.errors import Problem
from finetune.methods.measure import REWARD_ACCURACY, REWARD_MARGIN, Measure
from finetune.methods.method import Material, Method
from finetune.methods.pairs import Pairs, real_pairs
from finetune.private import PrivateName

SMOOTHING = {"robust": 0.1, "exo_pair": 0.001}
"""The losses with label smoothing, and the one that their papers recommend."""

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """A ``DPOTrainer`` over rows that are tokenized already: prompt_ids, chosen_ids, rejected_ids."""
    from trl import DPOConfig, DPOTrainer

    trainer = prepared(ordered(DPOTrainer, PADDING_ROW))
    return trainer(args=DPOConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``DPO.trainer`` as an exported script has it; what it calls stands before it, as it is here."""


def prepared(trainer_class: type) -> type:
    """``trainer_class`` (a ``DPOTrainer``) for rows that are tokenized already, padding rows among them.

    TRL takes the mean over a process's pairs. Padding rows are left out of its batch, and the process is weighted by
    the pairs that remain, so that the mean is over the pairs of all processes. An SFT term is a mean over tokens, of
    each process by itself.
    """

    class Prepared(trainer_class):
        def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
            return dataset

        def compute_loss(self, model, inputs, **rest):
            is_real = inputs["completion_mask"].any(dim=1)
            everywhere = self.accelerator.gather(is_real)
            if everywhere.all():
                return super().compute_loss(model, inputs, **rest)
            own = is_real.sum()
            if own:
                inputs = {name: value[is_real] for name, value in inputs.items()}
            self.accelerator.gather = real_pairs(self.accelerator, own)
            try:
                loss = super().compute_loss(model, inputs, **rest)
            finally:
                del self.accelerator.gather
            # Without a token the mean of the SFT term is no number.
            return own * self.args.world_size / everywhere.sum().clamp(min=1) * (loss if own else loss.nan_to_num())

    return Prepared


class DPO(Pairs, Method):
    """Direct preference optimization on pairs of answers, with TRL's ``DPOTrainer``."""

    type: Literal["dpo"] = "dpo"
    beta: float = Field(0.1, gt=0, le=10)
    """Strength of the pull towards the base model: higher stays closer to it. (β of Rafailov et al. 2023, eq. 7; τ of
    ``ipo``.) ``sigmoid_norm`` needs about 5."""
    loss_type: Literal[
        "sigmoid", "sigmoid_norm", "hinge", "ipo", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard",
        "apo_zero", "apo_down", "discopop",
    ] = "sigmoid"  # fmt: skip
    """Loss, by its name in TRL. ``sigmoid`` is DPO; ``sigmoid_norm`` the same per token, so that long answers count no
    more than short ones; ``hinge`` and ``ipo`` stop at a margin, against overfitting; ``robust`` expects that some
    pairs are the wrong way round; ``apo_zero`` suits chosen answers that are better than the model's own, ``apo_down``
    chosen answers that are worse."""
    label_smoothing: float | None = Field(None, gt=0, lt=0.5)
    """Label smoothing of ``robust`` and ``exo_pair``: share of pairs taken to be the wrong way round. Left empty: 0.1
    and 0.001, as in their papers."""
    sft_weight: float = Field(0.0, ge=0, le=100, title="SFT weight")
    """SFT term: weight of the cross-entropy on chosen answers, which keeps their probability from falling. (α of Pang
    et al. 2024, arXiv 2404.19733, eq. 1.)"""

    order: ClassVar[int] = 20
    title: ClassVar[str] = "Direct preference optimization"
    plain: ClassVar[str] = (
        "You show it pairs of answers, one better than the other, and it learns to prefer the better kind."
    )
    engineer: ClassVar[str] = (
        "Direct preference optimization (DPO): a classification loss on log-probability ratios to the base."
    )
    analogy: ClassVar[str] = "Like an editor who lays two drafts side by side and says each time which one is better."
    avoid: ClassVar[str] = (
        "To teach a new task: the model must already write such answers sometimes. Train on good answers first (SFT)."
    )
    paper: ClassVar[str] = "Rafailov et al. 2023, Direct Preference Optimization, arXiv 2305.18290"
    rate_factor: ClassVar[float] = 0.1
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, REWARD_MARGIN)
    has_reference: ClassVar[bool] = True
    ignores_dropout: ClassVar[bool] = True
    extra_passes: ClassVar[int] = 1
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "trl.DPOTrainer._prepare_dataset(self, dataset, processing_class, args, dataset_name)",
            "finetune.methods.dpo.prepared",
            "Rows come tokenized and masked. Without it TRL tokenizes them again, and the tokens on the page are not"
            " those of the batch.",
        ),
    )

    @property
    def loss_unit(self) -> str:
        """Nats where the loss is minus the logarithm of a probability; else it is a number without a unit."""
        return "nats per pair" if self.loss_type in ("sigmoid", "sigmoid_norm") and not self.sft_weight else ""

    def check(self) -> Problem | None:
        """Label smoothing is a setting of two losses; TRL would pass over it with the others."""
        if self.label_smoothing is None or self.loss_type in SMOOTHING:
            return None
        return Problem(
            "method.label_smoothing",
            f"The loss {self.loss_type} has no label smoothing.",
            f"Leave it empty, or choose {' or '.join(SMOOTHING)}.",
        )

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: DPO with LoRA, which learns to prefer the better kind and changes little else."

    def options(self, pack: bool = False) -> dict:
        """β, the loss with its settings, and no truncation: rows come truncated."""
        options = {"beta": self.beta, "max_length": None, "loss_type": [self.loss_type]}
        if self.loss_type in SMOOTHING:
            options["label_smoothing"] = self.label_smoothing or SMOOTHING[self.loss_type]
        if self.sft_weight:
            options |= {"loss_type": [self.loss_type, "sft"], "loss_weights": [1.0, self.sft_weight]}
        return options

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([*map(inspect.getsource, (real_pairs, prepared)), SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """A ``DPOTrainer`` over rows that are tokenized already."""
        from trl import DPOConfig, DPOTrainer

        arguments = DPOConfig(**material.arguments, **self.options())
        trainer_class = prepared(material.durable(DPOTrainer))
        return trainer_class(args=arguments, **material.datasets(), **material.others())

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """``accuracy``: share of pairs whose chosen answer gained more than the rejected one; ``margin``: by how much.

        A tie counts half. TRL counts it as a miss, which would show 0 % for a model that has not moved yet: all
        its margins are exactly 0, and only then are the mean margin and TRL's accuracy both 0.
        """
        found = super().metrics(logs)
        return found | {"accuracy": 0.5} if found and found["accuracy"] == found["margin"] == 0 else found
