"""The rows of an evaluation as both models are asked them."""

import json
from collections.abc import Sequence
from random import Random

from finetune.data.dataset import Dataset
from finetune.data.mix import Gathered, gather, read_main
from finetune.data.settings import DataSettings
from finetune.data.split import content_hash, question
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError
from finetune.evaluation.metrics.metric import Asked
from finetune.methods import METHODS
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

READERS = {"chat": "sft", "text": "cpt", "preference": "dpo", "rated": "kto"}
"""Kind of example -> the method whose loss mask an evaluation uses, where the run's own method reads another kind."""


def asked_of(example: dict) -> Asked | None:
    """``example`` as a question with its expected answer; None if it is none that a model can be asked.

    A text asks nothing and still has a loss. Conversations with tools, and answers rated as bad, are left out.
    """
    if "text" in example:
        return Asked((), example=example)
    if "tools" in example or example.get("label") is False:
        return None
    prompt, expected = _prompt(example)
    if not prompt or prompt[-1]["role"] != "user" or any(turn["role"] == "tool" for turn in prompt):
        return None
    if not all(isinstance(turn.get("content"), str) for turn in prompt) or not isinstance(expected, str):
        return None
    turns = tuple({"role": turn["role"], "content": turn["content"]} for turn in prompt)
    return Asked(turns, expected, example=example)


def _prompt(example: dict) -> tuple[list[dict], object]:
    """The conversation before the last answer, and that answer; an empty one if there is none."""
    if "messages" in example:
        turns = list(example["messages"])
        answers = [n for n, turn in enumerate(turns) if turn["role"] == "assistant"]
        return (turns[: answers[-1]], turns[answers[-1]].get("content")) if answers else (turns, "")
    turns = list(example.get("prompt", ()))
    given = example.get("chosen") or example.get("completion")
    if given:
        return turns, given[-1].get("content")
    return turns, "" if example.get("answer") is None else str(example["answer"])


def sequences_of(recipe: Recipe, example: dict, tokenizer) -> tuple[TokenSequence, ...]:
    """The token sequences of ``example`` with their loss mask, as the run trains on them; of a pair both answers.

    A prompt without an answer gives none.
    """
    kind = kind_of(example)
    if kind not in READERS:
        return ()
    method = recipe.method
    if method.generates or kind not in method.reads:
        method = METHODS[READERS[kind]]()
    return method.sequences(example, tokenizer, recipe.training.length)


def kind_of(example: dict) -> str:
    """The kind of ``example`` by its columns (``finetune.data.kinds``)."""
    if "text" in example:
        return "text"
    if "messages" in example:
        return "chat"
    return "preference" if "rejected" in example else "rated" if "completion" in example else "prompt"


def own_rows(recipe: Recipe, workspace: Workspace) -> Gathered:
    """The rows that the run was trained on and those held out of it."""
    return gather(recipe.data, workspace.find, recipe.training.seed)


def rows_of(path: str, workspace: Workspace, trusted: bool) -> Dataset:
    """The rows of another file; ``DataError`` if it cannot be read."""
    return read_main(DataSettings(path=path), lambda name: workspace.find(name, trusted), trusted)


def unseen(examples: Sequence[dict], train: Sequence[dict]) -> list[dict]:
    """``examples`` without those whose question is among the training rows."""
    seen = {content_hash(question(example)) for example in train}
    return [example for example in examples if content_hash(question(example)) not in seen]


def sampled(examples: Sequence[dict], most: int, seed: int, first: int | None = None) -> list[dict]:
    """At most ``most`` of the ``first`` of ``examples`` (or all), in an order of which each part is a random sample."""
    places = list(range(len(examples) if first is None else first))
    Random(seed).shuffle(places)
    return [examples[place] for place in places[:most]]


def keyed(path) -> list[dict]:
    """The rows of a JSONL file of ours: ``messages``, and ``key``, the words of a right answer in their order."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not rows:
        raise DataError(f"{path.name} has no rows.", "Restore the file.")
    return rows
