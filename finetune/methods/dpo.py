"""Direct preference optimization: the model learns which of two answers people prefer."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.data.tokens import TokenSequence, preference_sequences
from finetune.methods.measure import REWARD_ACCURACY, REWARD_MARGIN, Measure
from finetune.methods.method import Material, Method
from finetune.private import PrivateName

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """A ``DPOTrainer`` over rows that are tokenized already: prompt_ids, chosen_ids, rejected_ids."""
    from trl import DPOConfig, DPOTrainer

    trainer = prepared(ordered(DPOTrainer, PADDING_ROW))
    return trainer(args=DPOConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``DPO.trainer`` as an exported script has it; ``prepared`` stands before it, as it is here."""


def prepared(trainer_class: type) -> type:
    """``trainer_class`` (a ``DPOTrainer``) for rows that are tokenized already, padding rows among them.

    TRL takes the mean over a process's pairs. Of a padding row the margin is 0 and the loss ln 2, whatever the model;
    so they are taken out again, and the mean is over the pairs that are left in all processes.
    """
    import math

    class Prepared(trainer_class):
        def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
            return dataset

        def compute_loss(self, model, inputs, **rest):
            loss = super().compute_loss(model, inputs, **rest)
            answers = inputs["completion_mask"].any(dim=1)
            pairs, own = len(answers) // 2, answers.sum() / 2
            share = pairs * self.args.world_size / self.accelerator.gather(own).sum()
            if share == 1:
                return loss
            for name in ("rewards/accuracies", "rewards/margins"):
                self._metrics["train"][name][-1] *= share.item()
            return share * (loss - (1 - own / pairs) * math.log(2))

    return Prepared


class DPO(Method):
    """Direct preference optimization on pairs of answers, with TRL's ``DPOTrainer``."""

    type: Literal["dpo"] = "dpo"
    beta: float = Field(0.1, gt=0, le=10)
    """Strength of the pull towards the base model: higher stays closer to it. (β of Rafailov et al. 2023, eq. 7.)"""

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
    reads: ClassVar[tuple[str, ...]] = ("preference",)
    rate_factor: ClassVar[float] = 0.1
    loss_unit: ClassVar[str] = "nats per pair"
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, REWARD_MARGIN)
    sequences_per_row: ClassVar[int] = 2
    has_reference: ClassVar[bool] = True
    extra_passes: ClassVar[int] = 1
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict[str, list[int]]] = {"prompt_ids": [0, 0], "chosen_ids": [], "rejected_ids": []}
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "trl.DPOTrainer._prepare_dataset(self, dataset, processing_class, args, dataset_name)",
            "finetune.methods.dpo.prepared",
            "Rows come tokenized and masked. Without it TRL tokenizes them again, and the tokens on the page are not"
            " those of the batch.",
        ),
        PrivateName.declared(
            "trl.DPOTrainer._metrics",
            "finetune.methods.dpo.prepared",
            "Takes padding rows out of reward accuracy and margin. Without it several processes report too low ones.",
        ),
    )

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: DPO with LoRA, which learns to prefer the better kind and changes little else."

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """Two sequences: the prompt with the chosen and with the rejected answer."""
        return preference_sequences(example, tokenizer, length)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``prompt_ids``, ``chosen_ids``, ``rejected_ids``: the answers carry the loss, the prompt is masked."""
        chosen, rejected = sequences
        prompt = chosen.trained.index(True) if any(chosen.trained) else len(chosen.ids)
        return {
            "prompt_ids": list(chosen.ids[:prompt]),
            "chosen_ids": list(chosen.ids[prompt:]),
            "rejected_ids": list(rejected.ids[prompt:]),
        }

    def options(self, pack: bool = False) -> dict:
        """β, and no truncation: rows come truncated."""
        return {"beta": self.beta, "max_length": None}

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([inspect.getsource(prepared), SCRIPT.lstrip()])

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
        plain = {key.removeprefix("eval_"): value for key, value in logs.items()}
        if "rewards/accuracies" not in plain:
            return {}
        accuracy, margin = plain["rewards/accuracies"], plain["rewards/margins"]
        return {"accuracy": 0.5 if accuracy == margin == 0 else accuracy, "margin": margin}
