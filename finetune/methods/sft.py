"""Supervised fine-tuning: the model learns to write the answers it is shown."""

import inspect
from typing import ClassVar, Literal

from finetune.data.tokens import TokenSequence, chat_sequence, text_sequence
from finetune.methods import packing
from finetune.methods.method import Material, Method

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """An ``SFTTrainer`` over rows that are tokenized and masked already; rows of like length go together."""
    from trl import SFTConfig, SFTTrainer

    return ordered(SFTTrainer, BLANK)(args=SFTConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``SFT.trainer`` as an exported script has it, for padded rows."""

PACKED_SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """An ``SFTTrainer`` over rows that are tokenized and masked already, several of them in one sequence."""
    from trl import SFTConfig, SFTTrainer

    packed = pack(train, max(map(len, train["input_ids"])), arguments["seed"])
    # A batch is counted in rows, and a sequence now holds several.
    sequences = max(1, round(arguments["per_device_train_batch_size"] * len(packed) / len(train)))
    arguments = divided(arguments | {"per_device_train_batch_size": sequences})
    trainer = ordered(SFTTrainer, BLANK)(args=SFTConfig(**arguments), train_dataset=packed, **others)
    trainer.data_collator = PackedCollator(trainer.processing_class.pad_token_id)
    return trainer
'''
"""The same for packed rows; ``pack`` and ``PackedCollator`` stand before it, as they are here."""


class SFT(Method):
    """Supervised fine-tuning on chats or plain text, with TRL's ``SFTTrainer``."""

    type: Literal["sft"] = "sft"
    train_on: Literal["assistant", "all"] = "assistant"
    """Which words of a conversation the model is scored on: its own answers, or every word of both sides."""

    order: ClassVar[int] = 10
    title: ClassVar[str] = "Learn from good answers"
    plain: ClassVar[str] = "You show it questions with good answers, and it learns to answer that way."
    engineer: ClassVar[str] = "Supervised fine-tuning (SFT): next-token cross-entropy on assistant tokens."
    reads: ClassVar[tuple[str, ...]] = ("chat", "text")
    few_rows_epochs: ClassVar[int] = 5
    packs: ClassVar[bool] = True
    padding_row: ClassVar[dict[str, list[int]]] = {"input_ids": [0, 0], "labels": [-100, -100], "seq_lengths": [2]}

    @property
    def trains_all(self) -> bool:
        """True if the questions are learnt too."""
        return self.train_on == "all"

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """One sequence: the whole conversation or text; answers (or everything) trained."""
        if "text" in example:
            return (text_sequence(example["text"], tokenizer, length),)
        return (chat_sequence(example["messages"], tokenizer, length, self.trains_all, example.get("tools")),)

    def columns(self, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``input_ids`` and ``labels`` (-100 where nothing is learnt), each of length T."""
        (sequence,) = sequences
        return {"input_ids": list(sequence.ids), "labels": sequence.labels()}

    def options(self, pack: bool = False) -> dict:
        """No preparation and no cutting, which is done; rows of like length go together where they are not packed."""
        options = {"dataset_kwargs": {"skip_prepare_dataset": True}, "max_length": None}
        return options if pack else {**options, "train_sampling_strategy": "group_by_length"}

    def script(self, pack: bool = False) -> str:
        if not pack:
            return SCRIPT
        return "\n\n".join([*map(inspect.getsource, (packing.pack, packing.PackedCollator)), PACKED_SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """An ``SFTTrainer`` over rows that are tokenized and masked already."""
        from datasets import Dataset
        from trl import SFTConfig, SFTTrainer

        arguments = SFTConfig(**material.arguments, **self.options(material.pack))
        train = Dataset.from_list(material.train)
        if material.pack:
            train = packing.pack(train, max(len(row["input_ids"]) for row in material.train), arguments.seed)
            # A batch is counted in rows, and a sequence now holds several.
            share = len(train) / len(material.train)
            arguments.per_device_train_batch_size = max(1, round(arguments.per_device_train_batch_size * share))
        trainer = material.durable(SFTTrainer)(
            model=material.model,
            args=arguments,
            train_dataset=train,
            eval_dataset=Dataset.from_list(material.held_out) if material.held_out else None,
            processing_class=material.tokenizer,
            peft_config=material.peft_config,
            callbacks=material.callbacks,
        )
        if material.pack:
            trainer.data_collator = packing.PackedCollator(material.tokenizer.pad_token_id)
        return trainer
