"""A reward model: it learns from pairs of answers to give the better one the higher score."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from finetune.data.tokens import TokenSequence
from finetune.methods.measure import PAIR_ACCURACY, SCORE_MARGIN, Measure
from finetune.methods.method import Material, Method
from finetune.methods.pairs import Pairs
from finetune.private import PrivateName


def prepared(trainer_class: type) -> type:
    """``trainer_class`` (a ``RewardTrainer``) for rows that are tokenized already, padding rows among them.

    A padding row's two texts are equal. TRL takes the mean over a process's pairs. What padding rows add to it is taken
    out again, and the mean is over the pairs that are left in all processes; so are accuracy and margin, to which
    padding rows add nothing.
    """
    import torch

    class Prepared(trainer_class):
        def compute_loss(self, model, inputs, return_outputs=False, **rest):
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **rest)
            chosen, rejected = inputs["input_ids"].chunk(2)
            is_real = (chosen != rejected).any(dim=1)
            share = len(is_real) * self.args.world_size / self.accelerator.gather(is_real.sum()).sum().clamp(min=1)
            if model.training and share != 1:
                loss = share * (loss - self._of_padding(outputs.logits, is_real) / len(is_real))
                for name in ("accuracy", "margin"):
                    self._metrics["train"][name][-1] *= share.item()
            return (loss, outputs) if return_outputs else loss

        def _of_padding(self, logits, is_real):
            """The sum of the losses of padding rows."""
            chosen, rejected = logits.squeeze(-1).chunk(2)
            losses = -torch.nn.functional.logsigmoid(chosen - rejected)
            if self.args.center_rewards_coefficient:
                losses = losses + self.args.center_rewards_coefficient * (chosen + rejected) ** 2
            return losses[~is_real].sum()

    return Prepared


class Reward(Pairs, Method):
    """A reward model (Bradley and Terry 1952) from pairs of answers, with TRL's ``RewardTrainer``."""

    type: Literal["reward"] = "reward"
    centered: float = Field(0.0, ge=0, le=1)
    """Pull of all scores towards zero, so that scores of different runs are alike. (Eisenstein et al. 2023, §4)"""

    order: ClassVar[int] = 50
    title: ClassVar[str] = "Reward model"
    plain: ClassVar[str] = (
        "You show it pairs of answers, and it learns to rate answers as you do; it writes none itself."
    )
    engineer: ClassVar[str] = "Reward model: a scalar head on the decoder, logistic loss on pairs (Bradley-Terry)."
    analogy: ClassVar[str] = "Like training a juror rather than a cook: it tastes and gives points."
    avoid: ClassVar[str] = "If a program can check the answers: rewards of a program (GRPO) are exact and cost nothing."
    paper: ClassVar[str] = "Ouyang et al. 2022, Training language models to follow instructions, arXiv 2203.02155"
    loss_unit: ClassVar[str] = "nats per pair"
    measures: ClassVar[tuple[Measure, ...]] = (PAIR_ACCURACY, SCORE_MARGIN)
    rate_factor: ClassVar[float] = 0.2
    padding_row: ClassVar[dict[str, list[int]]] = {"chosen_ids": [0, 0], "rejected_ids": [0, 0]}
    ignores_dropout: ClassVar[bool] = True
    makes_scorer: ClassVar[bool] = True
    leaves_as_script: ClassVar[bool] = False
    profiled: ClassVar[bool] = False
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "trl.RewardTrainer._metrics",
            "finetune.methods.reward.prepared",
            "Takes padding rows out of accuracy and margin. Without it several processes report too low ones.",
        ),
    )

    def refuses(self, adapter: Any) -> str:
        """A scorer reads its number at the last token, which PEFT does not find behind virtual tokens."""
        if adapter.attaches_to == "prompt":
            return f"A reward model cannot be trained with {adapter.title}: its head would read the wrong token."
        return ""

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: a reward model, if other answers shall be rated by it; else DPO."

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``chosen_ids`` and ``rejected_ids``: each the prompt with an answer, whose last token gives the score."""
        chosen, rejected = sequences
        return {"chosen_ids": list(chosen.ids), "rejected_ids": list(rejected.ids)}

    def options(self, pack: bool = False) -> dict:
        """No truncation, which is done; and how strongly scores are centered."""
        return {"max_length": None, "center_rewards_coefficient": self.centered or None}

    def trainer(self, material: Material):
        """A ``RewardTrainer`` over rows that are tokenized already."""
        from trl import RewardConfig, RewardTrainer

        arguments = RewardConfig(**material.arguments, **self.options())
        trainer_class = prepared(material.durable(RewardTrainer))
        return trainer_class(args=arguments, **material.datasets(), **material.others())
