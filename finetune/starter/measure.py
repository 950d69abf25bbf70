"""The accuracy of a model on held-out questions, by kind, and how often it ends its turns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from finetune.starter.items import Item
from finetune.starter.judge import is_right

ANSWER_TOKENS = 96


@dataclass
class Figures:
    """What was measured: `right` and `ended` are shares of `questions`; `kinds` holds the share right of each kind."""

    questions: int
    right: float
    ended: float
    kinds: dict[str, float] = field(default_factory=dict)
    misses: list[dict] = field(default_factory=list)

    def as_dict(self) -> dict:
        """The figures without the misses, ready for JSON."""
        return {key: value for key, value in asdict(self).items() if key != "misses"}


def answers(model, tokenizer, chats: list, batch: int = 64) -> list[tuple[str, bool]]:
    """The greedy answer to each chat and whether it ended by itself; chats of similar length share a batch."""
    import torch

    texts = [tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=True) for chat in chats]
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    found: list = [None] * len(texts)
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]
        inputs = tokenizer(
            [texts[index] for index in chosen],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        )
        with torch.inference_mode():
            output = model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=ANSWER_TOKENS,
                do_sample=False,
            )
        for index, ids in zip(chosen, output[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
            ended = tokenizer.eos_token_id in ids
            found[index] = (
                tokenizer.decode(ids[: ids.index(tokenizer.eos_token_id)] if ended else ids, skip_special_tokens=True),
                ended,
            )
    return found


def measure(model, tokenizer, items: list[Item]) -> Figures:
    """The figures of a model on these items; an answer that does not end counts as wrong."""
    spoken = answers(model, tokenizer, [item.messages for item in items])
    rights: dict[str, list[bool]] = {}
    misses = []
    for item, (answer, ended) in zip(items, spoken, strict=True):
        right = ended and is_right(item, answer)
        rights.setdefault(item.kind, []).append(right)
        if not right:
            misses.append({"kind": item.kind, "question": item.question, "answer": answer, "wanted": item.answer})
    return Figures(
        len(items),
        len(items) and 1 - len(misses) / len(items),
        sum(ended for _, ended in spoken) / len(items),
        {kind: round(sum(got) / len(got), 3) for kind, got in sorted(rights.items())},
        misses,
    )
