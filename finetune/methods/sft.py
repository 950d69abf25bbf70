"""Supervised fine-tuning: the model learns to write the answers it is shown."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.data.tokens import TokenSequence, chat_sequence, segments_sequence, text_sequence
from finetune.format import counted
from finetune.methods import packing
from finetune.methods.method import Material, Method

FEW_ROWS, GOOD_ROWS, MANY_ROWS = 100, 500, 10_000
"""Fewer rows teach style only; so many good ones are worth collecting; from here on full fine-tuning does not overfit
at once."""

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """An ``SFTTrainer`` over rows that are tokenized and masked already; rows of like length go together."""
    from trl import SFTConfig, SFTTrainer

    trainer = evaluated_by_likelihood(ordered(SFTTrainer, PADDING_ROW))
    return trainer(args=SFTConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``SFT.trainer`` as an exported script has it, for padded rows; what it calls stands before it, as it is here."""

PACKED_SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """An ``SFTTrainer`` over rows that are tokenized and masked already, several of them in one sequence."""
    from trl import SFTConfig, SFTTrainer

    packed = pack(train, max(map(len, train["input_ids"])), arguments["seed"])
    # A batch is counted in rows, and a sequence now holds several.
    sequences = max(1, round(arguments["per_device_train_batch_size"] * len(packed) / len(train)))
    arguments = divided(arguments | {"per_device_train_batch_size": sequences})
    trainer_class = evaluated_by_likelihood(ordered(SFTTrainer, PADDING_ROW))
    trainer = trainer_class(args=SFTConfig(**arguments), train_dataset=packed, **others)
    trainer.data_collator = PackedCollator(trainer.processing_class.pad_token_id)
    return trainer
'''
"""The same for packed rows."""


def evaluated_by_likelihood(trainer_class: type) -> type:
    """``trainer_class`` (an ``SFTTrainer``) whose held-out loss is the cross-entropy, whatever loss is trained.

    The loss of DFT falls too where the model only grows less sure of a token, so it does not compare two models.
    """

    class Evaluated(trainer_class):
        def prediction_step(self, *given, **named):
            trained, self.args.loss_type = self.args.loss_type, "nll"
            try:
                return super().prediction_step(*given, **named)
            finally:
                self.args.loss_type = trained

    return Evaluated


class SFT(Method):
    """Supervised fine-tuning on chats or plain text, with TRL's ``SFTTrainer``."""

    type: Literal["sft"] = "sft"
    train_on: Literal["assistant", "all"] = "assistant"
    """Loss mask: train on the assistant's tokens only, or on all tokens of the conversation."""
    loss_type: Literal["nll", "dft"] = "nll"
    """Loss: ``nll`` is the cross-entropy (negative log-likelihood); ``dft`` weights each token by the probability that
    the model gives it, so that unlikely tokens pull less (Wu et al. 2025, arXiv 2508.05629). The held-out loss is the
    cross-entropy in either case."""
    neftune_noise_alpha: float = Field(0.0, ge=0, le=100, title="NEFTune noise alpha")
    """NEFTune: noise on the embeddings while training, against overfitting; 5 is usual, 0 is none. (α of Jain et al.
    2023, arXiv 2310.05914.)"""

    order: ClassVar[int] = 10
    title: ClassVar[str] = "Supervised fine-tuning"
    plain: ClassVar[str] = "You show it questions with good answers, and it learns to answer that way."
    engineer: ClassVar[str] = "Supervised fine-tuning (SFT): next-token cross-entropy on assistant tokens."
    analogy: ClassVar[str] = (
        "Like a new colleague who reads a folder of good replies and learns to write in that manner."
    )
    avoid: ClassVar[str] = (
        "For facts that change: they belong in retrieval. For taste that is easier judged than written: use pairs "
        "(DPO)."
    )
    paper: ClassVar[str] = (
        "Ouyang et al. 2022, Training language models to follow instructions with human feedback, arXiv 2203.02155"
    )
    reads: ClassVar[tuple[str, ...]] = ("chat", "text")
    few_rows_epochs: ClassVar[int] = 5
    packs: ClassVar[bool] = True
    padding_row: ClassVar[dict[str, list[int]]] = {"input_ids": [0, 0], "labels": [-100, -100], "seq_lengths": [2]}

    @property
    def trains_all(self) -> bool:
        """True if the user's tokens are trained on too."""
        return self.train_on == "all"

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of so many conversations or texts."""
        if kind == "text":
            return (
                "Plain text: SFT with LoRA, which picks up its words and style. To answer questions it needs examples, "
                "and facts that change belong in retrieval."
            )
        if labels:
            return (
                f"{counted(rows)} with {labels} fixed answers: SFT with LoRA. It works best with about as many rows of "
                "each answer."
            )
        if rows < FEW_ROWS:
            return (
                f"{counted(rows)}: LoRA, a few epochs. Expect style, not facts: facts that change belong in retrieval."
            )
        named = f"{counted(rows)} of answers"
        if rows < GOOD_ROWS:
            return (
                f"{named}: SFT with LoRA, which learns form and tone and keeps what the model knows. "
                f"{GOOD_ROWS} good ones or more are worth collecting."
            )
        if rows < MANY_ROWS:
            return f"{named}: SFT with LoRA, which learns form and tone and keeps what the model knows."
        return f"{named}: SFT with LoRA first. They are enough for full fine-tuning, if the memory is there."

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """One sequence: the whole conversation or text, or the segments of one, with its loss mask."""
        if "segments" in example:
            return (segments_sequence(example["segments"], tokenizer, length, self.trains_all),)
        if "text" in example:
            return (text_sequence(example["text"], tokenizer, length),)
        return (chat_sequence(example["messages"], tokenizer, length, self.trains_all, example.get("tools")),)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``input_ids`` and ``labels`` (-100 where the loss is masked), each of length T."""
        (sequence,) = sequences
        return {"input_ids": list(sequence.ids), "labels": sequence.labels()}

    def options(self, pack: bool = False) -> dict:
        """No preparation and no truncation, which is done; rows of like length go together where they are padded."""
        options = {"dataset_kwargs": {"skip_prepare_dataset": True}, "max_length": None, "loss_type": self.loss_type}
        if self.neftune_noise_alpha:
            options["neftune_noise_alpha"] = self.neftune_noise_alpha
        return options if pack else {**options, "train_sampling_strategy": "group_by_length"}

    def script(self, pack: bool = False) -> str:
        evaluated = inspect.getsource(evaluated_by_likelihood)
        if not pack:
            return "\n\n".join([evaluated, SCRIPT.lstrip()])
        packed = map(inspect.getsource, (packing.pack, packing.PackedCollator))
        return "\n\n".join([*packed, evaluated, PACKED_SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """An ``SFTTrainer`` over rows that are tokenized and masked already."""
        from trl import SFTConfig, SFTTrainer

        arguments = SFTConfig(**material.arguments, **self.options(material.pack))
        datasets = material.datasets()
        if material.pack:
            longest = max(len(row["input_ids"]) for row in material.train)
            datasets["train_dataset"] = packing.pack(datasets["train_dataset"], longest, arguments.seed)
            # A batch is counted in rows, and a sequence now holds several.
            share = len(datasets["train_dataset"]) / len(material.train)
            arguments.per_device_train_batch_size = max(1, round(arguments.per_device_train_batch_size * share))
        trainer_class = evaluated_by_likelihood(material.durable(SFTTrainer))
        trainer = trainer_class(args=arguments, **datasets, **material.others())
        if material.pack:
            trainer.data_collator = packing.PackedCollator(material.tokenizer.pad_token_id)
        return trainer
