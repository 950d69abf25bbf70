"""Take white space off the beginnings and ends of answers."""

from typing import ClassVar, Literal

from finetune.data.fixes.fix import Fix


class Trim(Fix):
    """White space before and after each answer is taken off; the model's chat template writes its own."""

    changes_examples: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    type: Literal["trim"] = "trim"

    def on_example(self, example: dict) -> dict:
        changed = {key: _trimmed(value) for key, value in example.items() if key in SIDES}
        return example if all(changed[key] is example[key] for key in changed) else {**example, **changed}

    @property
    def words(self) -> str:
        return "White space before and after answers was taken off."


SIDES = ("messages", "prompt", "chosen", "rejected", "completion")
"""Where an example has turns."""


def _trimmed(turns: list[dict]) -> list[dict]:
    """``turns`` with the assistant's contents trimmed; the same list if nothing changes."""
    found = [turn if is_trimmed(turn) else {**turn, "content": turn["content"].strip()} for turn in turns]
    return turns if all(new is old for new, old in zip(found, turns)) else found


def is_trimmed(turn: dict) -> bool:
    """False for an answer that begins or ends with white space."""
    content = turn.get("content")
    return turn["role"] != "assistant" or not content or not (content[0].isspace() or content[-1].isspace())
