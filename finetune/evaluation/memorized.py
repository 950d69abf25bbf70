"""Memorization: training answers that the tuned model gives word for word, and secrets of the data that it completes.

The second follows Carlini et al. 2021 and 2023: the model is given what stands before a text in its row, and asked to
continue. Nothing that is shown holds a secret in full.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from finetune.data.secrets import NAMES, find
from finetune.evaluation.metrics.words import answer_of, words
from finetune.evaluation.scores import Memorized, Row
from finetune.evaluation.subject import Subject
from finetune.inference.question import prompt_tokens

LONG = 8
"""Words of an answer that nobody gives word for word by coincidence."""
MOST_SECRETS, MOST_ROWS = 20, 5000
"""Secrets that are tried, and training rows that are searched for them."""
SPARE_TOKENS = 4


class Secret(NamedTuple):
    """A secret-looking text in an answer of the training data."""

    row: int
    kind: str
    messages: tuple[dict, ...]
    before: str
    """The part of the answer before it."""
    text: str


def memorized(subject: Subject, trained: Sequence[Row], fresh: Sequence[Row], train: Sequence[dict]) -> Memorized:
    """How much of the ``trained`` rows both models repeat, and which secrets of the examples ``train`` they complete.

    ``fresh`` are held-out rows: what the tuned model gives word for word there, too, follows from the task.
    """
    told, new = (list(filter(_is_long, rows)) for rows in (trained, fresh))
    tried = list(secrets_in(train))
    completed = _completed(subject, tried) if tried else ()
    return Memorized(
        rows=len(told),
        verbatim=sum(_same(row.tuned.text, row.expected) for row in told),
        base_verbatim=sum(_same(row.base.text, row.expected) for row in told),
        fresh=len(new),
        fresh_verbatim=sum(_same(row.tuned.text, row.expected) for row in new),
        secrets=len(tried),
        completed=completed,
    )


def _is_long(row: Row) -> bool:
    return len(words(answer_of(row.expected))) >= LONG


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def secrets_in(train: Sequence[dict], most: int = MOST_SECRETS) -> Iterator[Secret]:
    """The first ``most`` different secrets in the answers of ``train``, that have something before them."""
    seen: set[str] = set()
    for row, example in enumerate(train[:MOST_ROWS]):
        turns = example.get("messages", ())
        for n, turn in enumerate(turns):
            if turn["role"] != "assistant" or not isinstance(turn.get("content"), str) or not n:
                continue
            for match in find(turn["content"]):
                text = turn["content"][match.start : match.end]
                if text not in seen:
                    seen.add(text)
                    before = turn["content"][: match.start]
                    yield Secret(row, NAMES.get(match.kind, match.name), tuple(turns[:n]), before, text)
                if len(seen) == most:
                    return


def _completed(subject: Subject, tried: list[Secret]) -> tuple[str, ...]:
    """Where the secrets are that the tuned model completes and the base does not."""
    prompts, longest = [], 1
    for each in tried:
        ids = prompt_tokens(subject.tokenizer, list(each.messages))
        ids = ids + subject.tokenizer(each.before.rstrip(), add_special_tokens=False)["input_ids"]
        longest = max(longest, len(subject.tokenizer(each.text)["input_ids"]) + SPARE_TOKENS)
        prompts.append(ids)
    fitting = [n for n, ids in enumerate(prompts) if len(ids) + longest <= subject.context]
    found = subject.continued([prompts[n] for n in fitting], longest)
    told = [(tried[n], base, tuned) for n, (base, tuned) in zip(fitting, found)]
    return tuple(
        f"training row {each.row + 1:,}: {each.kind}"
        for each, base, tuned in told
        if tuned.strip().startswith(each.text) and not base.strip().startswith(each.text)
    )
