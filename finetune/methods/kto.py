"""Kahneman-Tversky optimization: the model learns from single answers with thumbs up or down."""

import inspect
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from finetune.data.tokens import TokenSequence, rated_sequence
from finetune.errors import DataError
from finetune.format import counted
from finetune.methods.measure import REWARD_MARGIN, Measure
from finetune.methods.method import Material, Method
from finetune.private import PrivateName

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """A ``KTOTrainer`` over rows that are tokenized already: prompt_ids, completion_ids, label."""
    from trl import KTOConfig, KTOTrainer

    trainer = prepared(ordered(KTOTrainer, PADDING_ROW))
    return trainer(args=KTOConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``KTO.trainer`` as an exported script has it; ``evenly`` and ``prepared`` stand before it, as they are here."""


def evenly(order, labels):
    """``order``, a sampler of positions, so that rows with either of the two ``labels`` come at an even pace."""
    from torch.utils.data import Sampler

    class Mixed(Sampler):
        def __init__(self, order, labels):
            self.order, self.labels = order, labels

        def __len__(self):
            return len(self.order)

        def __iter__(self):
            positions = list(self.order)
            real = [position for position in positions if position < len(self.labels)]
            groups = [[position for position in real if self.labels[position] is label] for label in (True, False)]
            # The n-th of a group of N stands at (n + 1/2) / N of the way.
            places = [((n + 0.5) / len(group), position) for group in groups for n, position in enumerate(group)]
            yield from [position for _, position in sorted(places)] + positions[len(real) :]

        @property
        def epoch(self):
            return self.order.epoch

        @epoch.setter
        def epoch(self, epoch):
            self.order.epoch = epoch

    return Mixed(order, labels)


def prepared(trainer_class: type) -> type:
    """``trainer_class`` (a ``KTOTrainer``) for rows that are tokenized already, padding rows among them.

    Its divergence from the base is estimated from mismatched pairs (Ethayarajh et al. 2024, §4.2): here each prompt has
    the answer of another row, drawn once by the seed. TRL rotates the answers within batches of a fixed order; here the
    order changes with each epoch, and a batch may have a single row. Good and bad answers are spread evenly over it, as
    a step learns from the difference of the two. A padding row is weighted 0, and the means of a process, of losses and
    of divergences, by its real rows.
    """

    class Prepared(trainer_class):
        _share = 1

        def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
            import torch

            order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(args.seed)).tolist()
            before = dict(zip(order, [order[-1], *order[:-1]]))
            answers = dataset["completion_ids"][:]
            return dataset.add_column("KL_completion_ids", [answers[before[n]] for n in range(len(answers))])

        def _compute_kl_logps(self, model, batch):
            found = super()._compute_kl_logps(model, batch)
            return found if found is None else self._share * found

        def _get_train_sampler(self, train_dataset=None):
            self._order = evenly(super()._get_train_sampler(train_dataset), self.train_dataset["label"])
            return self._order

        def compute_loss(self, model, inputs, **rest):
            is_real = inputs["completion_mask"].any(dim=1)
            own = is_real.sum()
            # What a mean over the processes is multiplied with, to be one over their real rows.
            self._share = own * self.args.world_size / self.accelerator.gather(own).sum()
            if own:
                inputs = {name: value[is_real] for name, value in inputs.items()}
            return self._share * super().compute_loss(model, inputs, **rest)

    return Prepared


class KTO(Method):
    """Kahneman-Tversky optimization on rated answers, with TRL's ``KTOTrainer``."""

    type: Literal["kto"] = "kto"
    beta: float = Field(0.1, gt=0, le=10)
    """Strength of the pull towards the base model: higher stays closer to it. (β of Ethayarajh et al. 2024, eq. 8.)"""
    desirable_weight: float = Field(1.0, gt=0, le=100)
    """Weight of the loss on good answers. Raise it where they are few: the paper balances weight times count."""
    undesirable_weight: float = Field(1.0, gt=0, le=100)
    """Weight of the loss on bad answers. Raise it where they are few."""

    order: ClassVar[int] = 30
    title: ClassVar[str] = "Kahneman-Tversky optimization"
    plain: ClassVar[str] = "You show it answers with thumbs up or down, and it learns to write more like the good ones."
    engineer: ClassVar[str] = "Kahneman-Tversky optimization (KTO): single rated answers; the base is the reference."
    analogy: ClassVar[str] = (
        "Like customers who press thumbs up or down: nobody compares, and the reaction alone teaches."
    )
    avoid: ClassVar[str] = (
        "Where you have pairs of answers to the same question: DPO learns more from the same number of rows."
    )
    paper: ClassVar[str] = (
        "Ethayarajh et al. 2024, KTO: Model Alignment as Prospect Theoretic Optimization, arXiv 2402.01306"
    )
    reads: ClassVar[tuple[str, ...]] = ("rated",)
    rate_factor: ClassVar[float] = 0.1
    smallest_micro_batch: ClassVar[int] = 2
    loss_unit: ClassVar[str] = ""
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_MARGIN,)
    has_reference: ClassVar[bool] = True
    ignores_dropout: ClassVar[bool] = True
    extra_passes: ClassVar[int] = 3
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict] = {
        "prompt_ids": [0, 0], "completion_ids": [], "label": True, "KL_completion_ids": []
    }  # fmt: skip
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "trl.KTOTrainer._prepare_dataset(self, dataset, processing_class, args, dataset_name)",
            "finetune.methods.kto.prepared",
            "Rows come tokenized and masked. Without it TRL tokenizes them again, and the tokens on the page are not"
            " those of the batch.",
        ),
        PrivateName.declared(
            "trl.KTOTrainer._compute_kl_logps(self, model, batch)",
            "finetune.methods.kto.prepared",
            "Weights the divergence of a process by its real rows. Without it a process that has padding rows alone"
            " halves the divergence.",
        ),
        PrivateName.declared(
            "transformers.Trainer._get_train_sampler(self, train_dataset)",
            "finetune.methods.kto.prepared",
            "Good and bad answers come at an even pace. Without it a step may see answers of one rating alone.",
        ),
    )

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of rated answers."""
        return (
            f"{counted(rows, 'rated answer')}: KTO with LoRA, which learns from thumbs up and down without pairs. It "
            "needs both kinds; a few hundred of each show an effect."
        )

    def require_trainable(self, examples: Sequence[dict]) -> None:
        """``DataError`` unless there are good and bad answers: the loss compares the two."""
        good = sum(example["label"] for example in examples)
        if good in (0, len(examples)):
            kind, instead = ("good", "bad") if good else ("bad", "good")
            raise DataError(
                f"All {counted(len(examples), 'training row')} are rated {kind}; KTO needs {instead} answers too.",
                "Add some, or train on the good answers with SFT.",
            )

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """One sequence: the prompt with the rated answer."""
        return rated_sequence(example, tokenizer, length)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict:
        """``prompt_ids``, ``completion_ids`` and ``label``: the answer carries the loss, the prompt is masked."""
        (rated,) = sequences
        prompt = rated.trained.index(True) if any(rated.trained) else len(rated.ids)
        return {
            "prompt_ids": list(rated.ids[:prompt]),
            "completion_ids": list(rated.ids[prompt:]),
            "label": example["label"],
        }

    def options(self, pack: bool = False) -> dict:
        """β, the weights, and no truncation: rows come truncated."""
        return {
            "beta": self.beta,
            "desirable_weight": self.desirable_weight,
            "undesirable_weight": self.undesirable_weight,
            "max_length": None,
        }

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([inspect.getsource(evenly), inspect.getsource(prepared), SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """A ``KTOTrainer`` over rows that are tokenized already."""
        from trl import KTOConfig, KTOTrainer

        arguments = KTOConfig(**material.arguments, **self.options())
        trainer_class = prepared(material.durable(KTOTrainer))
        return trainer_class(args=arguments, **material.datasets(), **material.others())

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """``margin``: how much more good answers have gained on the base than bad ones."""
        plain = {key.removeprefix("eval_"): value for key, value in logs.items()}
        return {"margin": plain["rewards/margins"]} if "rewards/margins" in plain else {}
