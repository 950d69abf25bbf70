"""A judge at work: points for an answer, or which of two answers is better, from a model here or behind an endpoint.

Judges favor what they read first (Zheng et al. 2023, §3.4), so a preference is asked in both orders and counts only if
both agree. Every judgement is a line in a file.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from finetune.errors import ModelError
from finetune.inference.endpoint import Endpoint
from finetune.recipe import ModelSettings
from finetune.rewards.judge import Judge
from finetune.rewards.number import number_in

POINTS = """You are a strict judge. Criteria: {criteria}

Question:
{question}

Answer:
{answer}

Rate the answer from 0 (worst) to 10 (best). Reply with the number alone."""
PREFERENCE = """You are a strict judge. Criteria: {criteria}

Question:
{question}

Answer A:
{first}

Answer B:
{second}

Which answer is better? Reply with A or B alone."""
VERDICT = re.compile(r"\b([AB])\b")
LONGEST_REPLY = 16
"""Tokens of a judge's reply."""
Asked = tuple[list[dict], str]
"""A conversation, and an answer to it."""
Pair = tuple[list[dict], str, str]
"""A conversation, and two answers to it."""
Say = Callable[[list[str]], list[str | None]]
"""Replies to prompts; None where there is none."""


class Judging:
    """The judge of ``settings``, ready to be asked; ``record`` is the file of its judgements."""

    def __init__(self, settings: Judge, say: Say, record: Path | None = None):
        self.settings = settings
        self.say = say
        self.record = record

    @classmethod
    def load(cls, settings: Judge, workspace, record: Path | None = None) -> "Judging":
        """The judge behind the endpoint of ``settings``, or its model from the workspace."""
        if settings.endpoint:
            return cls(settings, Endpoint(settings.endpoint, settings.model).replies, record)
        return cls(settings, _local(settings.model, workspace), record)

    def points(self, asked: Sequence[Asked]) -> list[float | None]:
        """Points from 0 to 1 for each answer; None where the judge gave no number from 0 to 10.

        ``ModelError`` if it gave none at all.
        """
        fields = [{"question": _question(messages), "answer": answer} for messages, answer in asked]
        replies = self.say([POINTS.format(criteria=self.settings.criteria, **each) for each in fields])
        found = [_points(reply) for reply in replies]
        self._write([{**each, "reply": reply, "points": given} for each, reply, given in zip(fields, replies, found)])
        if found and all(each is None for each in found):
            raise ModelError(
                f"The judge {self.settings.model} rated none of {len(found)} answers; its first reply was: "
                f"{(replies[0] or 'nothing')[:100]}",
                "Choose a larger model, or check the endpoint.",
            )
        return found

    def prefers(self, pairs: Sequence[Pair]) -> list[int | None]:
        """Which of two answers is better, 0 or 1, asked in both orders; None if the judge contradicts itself."""
        return [first if first == second else None for first, second in self.choices(pairs)]

    def choices(self, pairs: Sequence[Pair]) -> list[tuple[int | None, int | None]]:
        """Which of two answers the judge calls better, 0 or 1, in their order and in the other one; None for neither.

        ``(0, 1)`` and ``(1, 0)`` say that it chose by the order alone.
        """
        fields = [
            {"question": _question(messages), "first": one, "second": other}
            for messages, first, second in pairs
            for one, other in ((first, second), (second, first))
        ]
        replies = self.say([PREFERENCE.format(criteria=self.settings.criteria, **each) for each in fields])
        verdicts = [_verdict(reply) for reply in replies]
        self._write(
            [{**each, "reply": reply, "better": given} for each, reply, given in zip(fields, replies, verdicts)]
        )
        both = zip(verdicts[::2], verdicts[1::2])
        return [({"A": 0, "B": 1}.get(ahead), {"A": 1, "B": 0}.get(behind)) for ahead, behind in both]

    def _write(self, judgements: list[dict]) -> None:
        if self.record:
            with self.record.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in judgements)


def _question(messages: list[dict]) -> str:
    """The conversation as a judge reads it: the question alone, or all turns with their speakers."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages)


def _points(reply: str | None) -> float | None:
    number = number_in((reply or "").partition("/")[0])  # 7/10 is seven
    return float(number) / 10 if number is not None and 0 <= number <= 10 else None


def _verdict(reply: str | None) -> str | None:
    found = VERDICT.findall(reply or "")
    return found[0] if len(set(found)) == 1 else None


def _local(name: str, workspace) -> Say:
    """A model of the workspace as a judge; it answers greedily."""
    from finetune.inference.writer import Writer

    writer = Writer.of_base(ModelSettings(id=name), workspace)

    def say(prompts: list[str]) -> list[str | None]:
        asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
        return [one for (one,) in writer.answers(asked, 1, LONGEST_REPLY, temperature=0)]

    return say
