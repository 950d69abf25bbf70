"""Distillation: a smaller model learns to find the same tokens likely as a larger one does."""

import inspect
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.compat import remove_chunked_loss
from finetune.data.tokens import TokenSequence
from finetune.errors import Problem
from finetune.format import counted
from finetune.methods.measure import AGREEMENT, Measure
from finetune.methods.method import Material, Method
from finetune.methods.sft import SFT
from finetune.private import PrivateName
from finetune.settings import Revision, model_id

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """A ``GKDTrainer`` over rows that are tokenized and masked already; rows of like length go together."""
    from trl.experimental.gkd import GKDConfig, GKDTrainer

    trainer = over_trained_tokens(ordered(GKDTrainer, PADDING_ROW))
    return trainer(args=GKDConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``Distillation.trainer`` as an exported script has it; ``over_trained_tokens`` stands before it, as it is here."""


def over_trained_tokens(trainer_class: type) -> type:
    """``trainer_class`` (a ``GKDTrainer``) for rows that are tokenized and masked already.

    Student and teacher are compared on trained tokens alone, in fp32; TRL's own compares all positions first and masks
    them afterwards. Its loss is a mean over the trained tokens of all processes.
    """
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    class OverTrainedTokens(trainer_class):
        def __init__(self, processing_class, **rest):
            collator = DataCollatorForLanguageModeling(pad_token_id=processing_class.pad_token_id)
            super().__init__(processing_class=processing_class, data_collator=collator, **rest)

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            trained = inputs["labels"][:, 1:] != -100
            given = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"], "use_cache": False}

            def logits(of):
                # A prefix stands before the tokens.
                return of(**given).logits[:, -inputs["labels"].shape[1] : -1][trained].float()

            with torch.no_grad():
                wanted = logits(self.teacher_model.eval())
            found = logits(model)
            self._count(wanted.argmax(-1) == found.argmax(-1))
            total = self.generalized_jsd_loss(found, wanted, beta=self.beta, reduction="sum")
            if num_items_in_batch is None:
                return total / trained.sum().clamp(min=1)
            # It counts the tokens of all processes, and gradients are averaged over them.
            return total / num_items_in_batch * self.accelerator.num_processes

        def _count(self, agreed):
            both = self.accelerator.gather(torch.tensor([agreed.sum(), len(agreed)], device=agreed.device)[None])
            agreed, tokens = both.sum(dim=0).tolist()
            self._metrics["train" if self.model.training else "eval"]["agreement"].append(agreed / max(tokens, 1))

    return OverTrainedTokens


class Distillation(Method):
    """Distillation from a frozen teacher on the answers of conversations, with TRL's ``GKDTrainer``."""

    type: Literal["distillation"] = "distillation"
    teacher: Annotated[str, AfterValidator(lambda text: text and model_id(text))] = Field("", max_length=200)
    """The teacher: a folder in ``workspace/models``, an id on the Hugging Face Hub, or ``starter``. It must have the
    same vocabulary as the base model, as the models of one family have."""
    teacher_revision: Revision | None = None
    """Commit, tag or branch of a teacher on the Hub. Left empty: its newest version."""
    beta: float = Field(0.0, ge=0, le=1)
    """Divergence: 0 is the forward KL (cover all that the teacher finds likely), 1 the reverse KL (keep to what it
    finds likeliest), in between the generalized Jensen-Shannon divergence. (β of Agarwal et al. 2024, eq. 1.)"""

    order: ClassVar[int] = 40
    title: ClassVar[str] = "Distillation"
    plain: ClassVar[str] = (
        "A small model learns from a large one: not only the right word, but how likely the large one finds each word."
    )
    engineer: ClassVar[str] = "Distillation (off-policy GKD): KL divergence from a frozen teacher on given answers."
    analogy: ClassVar[str] = (
        "Like an apprentice whose master says at each step not only what to do but also what else would have been fine."
    )
    avoid: ClassVar[str] = (
        "Without a larger model of the same family, or where both do not fit the memory: train on its answers (SFT)."
    )
    paper: ClassVar[str] = (
        "Agarwal et al. 2024, On-Policy Distillation of Language Models: Learning from Self-Generated Mistakes, arXiv "
        "2306.13649; Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv 1503.02531"
    )
    reads: ClassVar[tuple[str, ...]] = ("chat", "text")
    measures: ClassVar[tuple[Measure, ...]] = (AGREEMENT,)
    profiled: ClassVar[bool] = False
    extra_passes: ClassVar[int] = 1
    padding_row: ClassVar[dict[str, list[int]]] = {"input_ids": [0, 0], "labels": [-100, -100]}
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "trl.SFTTrainer._metrics",
            "finetune.methods.distillation.over_trained_tokens",
            "Reports how often student and teacher agree. Without it nothing but the loss shows what was learned.",
        ),
    )

    @property
    def learns_from(self) -> tuple[str, str | None] | None:
        """The teacher."""
        return (self.teacher, self.teacher_revision) if self.teacher else None

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of so many conversations or texts."""
        return f"{counted(rows)}: distillation, which brings a small model closer to a large one on such rows."

    def check(self) -> Problem | None:
        """A teacher is needed."""
        if self.teacher:
            return None
        hint = "Name a larger model of the same family in `method.teacher`, which has the same vocabulary."
        return Problem("method.teacher", "Distillation needs a teacher, and none is named.", hint)

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """One sequence, with the loss mask of SFT: the answers of a conversation, or the whole text."""
        return SFT().sequences(example, tokenizer, length)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``input_ids`` and ``labels`` (-100 where the loss is masked), each of length T."""
        return SFT().columns(example, sequences)

    def options(self, pack: bool = False) -> dict:
        """β; rows come ready, no answer is generated, and an adapter's dropout stays on."""
        return SFT().options() | {"beta": self.beta, "lmbda": 0.0, "disable_dropout": False}

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([inspect.getsource(over_trained_tokens), SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """A ``GKDTrainer`` over rows that are tokenized and masked already."""
        from trl.experimental.gkd import GKDConfig, GKDTrainer

        arguments = GKDConfig(**material.arguments, **self.options())
        trainer_class = over_trained_tokens(material.durable(GKDTrainer))
        trainer = trainer_class(
            args=arguments, teacher_model=material.teacher, **material.datasets(), **material.others()
        )
        model = trainer.model
        remove_chunked_loss(model.get_base_model() if hasattr(model, "peft_config") else model)  # all logits are needed
        return trainer

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """``agreement``: share of trained tokens of which student and teacher find the same the likeliest."""
        plain = {key.removeprefix("eval_"): value for key, value in logs.items()}
        return {"agreement": plain["agreement"]} if "agreement" in plain else {}
