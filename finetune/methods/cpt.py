"""Continued pre-training: the model reads the texts of a field and learns to write on."""

import math
from typing import ClassVar, Literal

from finetune.data.settings import DataSettings
from finetune.data.tokens import TokenSequence, text_sequence
from finetune.format import counted
from finetune.methods.measure import PERPLEXITY, Measure
from finetune.methods.method import Material, Method
from finetune.methods.sft import SFT

CAUTION = (
    "Continued pre-training on plain text alone weakens a chat model's answers. Mix in conversations as replay data, "
    "or train on some afterwards (SFT)."
)
WHOLE = 2**62
"""Tokens: no text is truncated."""
LARGEST = 700.0
"""A loss beyond this has a perplexity that is no float."""


class CPT(Method):
    """Continued pre-training on plain text, with TRL's ``SFTTrainer``."""

    type: Literal["cpt"] = "cpt"

    order: ClassVar[int] = 12
    title: ClassVar[str] = "Continued pre-training"
    plain: ClassVar[str] = "You give it the texts of your field, and it learns their words, style and facts."
    engineer: ClassVar[str] = (
        "Continued pre-training (CPT): next-token cross-entropy on all tokens, in blocks of texts."
    )
    analogy: ClassVar[str] = (
        "Like a new colleague who reads the company's shelf of manuals before anyone asks a question."
    )
    avoid: ClassVar[str] = (
        "To teach answers to questions: the model learns to write on, and chats worse afterwards. SFT trains answers."
    )
    paper: ClassVar[str] = (
        "Gururangan et al. 2020, Don't Stop Pretraining: Adapt Language Models to Domains and Tasks, arXiv 2004.10964"
    )
    reads: ClassVar[tuple[str, ...]] = ("text",)
    joins_texts: ClassVar[bool] = True
    packs: ClassVar[bool] = True
    few_rows_epochs: ClassVar[int] = 5
    few_rows_batch: ClassVar[int] = 2
    measures: ClassVar[tuple[Measure, ...]] = (PERPLEXITY,)
    padding_row: ClassVar[dict[str, list[int]]] = SFT.padding_row

    @property
    def trains_all(self) -> bool:
        """True: no token of a text is masked."""
        return True

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of so many texts."""
        return (
            f"{counted(rows, 'text')}: continued pre-training, which picks up words, style and some facts. To answer "
            "questions about them the model needs examples, and facts that change belong in retrieval."
        )

    def caution(self, data: DataSettings) -> str:
        """Chat ability suffers unless conversations are mixed in."""
        return "" if data.mix or (data.replay and data.replay_share) else CAUTION

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """One sequence: the whole text, however long; a conversation that is mixed in as SFT has it."""
        if "text" not in example:
            return SFT().sequences(example, tokenizer, length)
        return (text_sequence(example["text"], tokenizer, WHOLE),)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``input_ids`` and ``labels`` (-100 where the loss is masked), each of length T."""
        return SFT().columns(example, sequences)

    def options(self, pack: bool = False) -> dict:
        """As for SFT: rows come ready, and conversations that are mixed in share sequences."""
        return SFT().options(pack)

    def script(self, pack: bool = False) -> str:
        return SFT().script(pack)

    def trainer(self, material: Material):
        """An ``SFTTrainer`` over blocks."""
        return SFT().trainer(material)

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """``perplexity``: e to the held-out loss per token."""
        return {"perplexity": math.exp(min(logs["eval_loss"], LARGEST))} if "eval_loss" in logs else {}
