"""A preference data set from prompts alone (RLAIF): two sampled answers to each, and a judge says which is better."""

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.format import counted
from finetune.inference.judge import Judging
from finetune.inference.writer import Writer


@dataclass(frozen=True)
class Preferences:
    """Pairs of answers, and what did not become one."""

    rows: tuple[dict, ...]
    """``prompt``, ``chosen`` and ``rejected``, as messages."""
    alike: int
    """Prompts whose two answers were the same."""
    undecided: int
    """Prompts where the judge contradicted itself when the order was turned around."""

    @property
    def sentence(self) -> str:
        """How many pairs there are, and what was left out."""
        return (
            f"{counted(len(self.rows), 'pair')} of answers. Left out: {counted(self.alike, 'prompt')} with two equal "
            f"answers, and {self.undecided:,} where the judge contradicts itself when the order is turned around."
        )


def prefer(
    asked: Sequence[list[dict]],
    writer: Writer,
    judging: Judging,
    max_tokens: int,
    temperature: float = 1.0,
    seed: int = 7,
) -> Preferences:
    """Pairs for the conversations ``asked``: ``writer`` answers each twice, and ``judging`` asks in both orders."""
    answers = writer.answers(asked, 2, max_tokens, temperature, seed)
    pairs = [(messages, *two) for messages, two in zip(asked, answers) if two[0].strip() != two[1].strip()]
    verdicts = judging.prefers(pairs) if pairs else []
    rows = []
    for (messages, *two), better in zip(pairs, verdicts):
        if better is not None:
            chosen, rejected = two[better], two[1 - better]
            turns = {name: [{"role": "assistant", "content": text}] for name, text in
                     (("chosen", chosen), ("rejected", rejected))}  # fmt: skip
            rows.append({"prompt": list(messages), **turns})
    return Preferences(tuple(rows), len(asked) - len(pairs), len(pairs) - len(rows))
