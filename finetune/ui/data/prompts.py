"""Held-out rows as prompts to ask, each with the answer that the data expects."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """What a row asks, and what it expects."""

    asked: tuple[tuple[str, str], ...]
    """The conversation up to the answer: role and content of each turn; the last is the user's."""
    expected: str = ""
    """The answer in the data; empty if it has none, or a bad one."""

    @property
    def question(self) -> str:
        """The last turn."""
        return self.asked[-1][1]

    @property
    def messages(self) -> list[dict]:
        """The conversation as a model is asked it."""
        return [{"role": role, "content": content} for role, content in self.asked]


def prompts_of(examples: Iterable[dict]) -> list[Prompt]:
    """The prompts of ``examples``, each once; rows of plain text have none, and rows with tools cannot be asked."""
    found = (_prompt(example) for example in examples if not example.get("tools"))
    return list({each.asked: each for each in found if each}.values())


def expected_of(examples: Iterable[dict]) -> dict[str, str]:
    """The expected answer to the first question of each row, by that question."""
    found = (_prompt({**example, **_first_exchange(example)}) for example in examples)
    return {each.question: each.expected for each in found if each and each.expected}


def first_prompt(example: dict) -> str:
    """The first message of the user in ``example``; empty for plain text."""
    turns = example.get("messages") or example.get("prompt") or []
    return next((turn["content"] for turn in turns if turn.get("role") == "user"), "")


def _first_exchange(example: dict) -> dict:
    """The turns of a conversation up to its first answer."""
    turns = example.get("messages", [])
    answers = [place for place, turn in enumerate(turns) if turn["role"] == "assistant"]
    return {"messages": turns[: answers[0] + 1]} if answers else {}


def _prompt(example: dict) -> Prompt | None:
    *asked, answer = example.get("messages") or [*example.get("prompt", ()), {"content": _expected(example)}]
    turns = tuple((turn["role"], turn.get("content") or "") for turn in asked)
    return Prompt(turns, answer.get("content") or "") if turns and turns[-1][0] == "user" else None


def _expected(example: dict) -> str:
    """The answer to the ``prompt`` of an example: the better one, one that was rated good, or the expected result."""
    if "chosen" in example:
        return example["chosen"][-1].get("content") or ""
    if "completion" in example:
        return (example["completion"][-1].get("content") or "") if example.get("label", True) else ""
    return example.get("answer", "")
