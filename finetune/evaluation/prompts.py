"""The prompts of a blind test: from held-out rows, from a person's own list, or from a file."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from finetune.data.hub import files
from finetune.data.loading import read_split
from finetune.data.mix import read_main
from finetune.data.settings import DataSettings
from finetune.data.split import content_hash
from finetune.errors import DataError, FinetuneError
from finetune.inference.question import messages
from finetune.recipe import Recipe
from finetune.runs.lineage import lineage
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

Prompt = list[dict]
"""A conversation that ends where an answer is due."""

MOST_PROMPTS = 200
"""Of one blind test: more than a person judges with attention."""
LONGEST_PROMPT = 8000
"""Characters of a question."""
OTHERWISE = "Write your own questions, or choose a file."


def of_held_out(run: Run, workspace: Workspace, most: int) -> list[Prompt]:
    """At most ``most`` prompts from the held-out rows of ``run``, sampled by its seed; ``DataError`` if it has none.

    A run that trains another one further also has the held-out rows of that one, except what it was trained on itself:
    votes on them, for example.
    """
    own = _split(run, workspace)
    splits = []
    for before in lineage(run, workspace)[:-1]:
        with suppress(DataError):  # its data may be deleted
            splits.append(_split(before, workspace))
    splits.append(own)
    if not any(held_out for _, held_out in splits):
        raise DataError("This run has no held-out rows.", OTHERWISE)
    if not (found := _unseen(splits)):
        raise DataError("The held-out rows of this run are plain text, which asks nothing.", OTHERWISE)
    return sampled(found, most, run.recipe.training.seed)


def _unseen(splits: list[tuple[Sequence[dict], Sequence[dict]]]) -> list[Prompt]:
    """The held-out prompts of all ``splits`` that are training rows of none."""
    found = []
    for n, (_, held_out) in enumerate(splits):
        trained = [row for train, _ in splits[:n] + splits[n + 1 :] for row in train]
        known = {content_hash(before_answer(row)) for row in trained}
        found += [prompt for prompt in map(before_answer, held_out) if prompt and content_hash(prompt) not in known]
    return found


def _split(run: Run, workspace: Workspace) -> tuple[Sequence[dict], Sequence[dict]]:
    """The training and the held-out rows of ``run``; ``DataError`` if they cannot be read."""
    data = run.recipe.data
    try:
        path, *also = files(data, workspace.find)
        return read_split(path, data, run.recipe.training.seed, also)[1:]
    except FinetuneError as error:
        raise DataError(f"The held-out rows cannot be read: {error.message}", OTHERWISE) from None


def of_list(recipe: Recipe, text: str) -> list[Prompt]:
    """A prompt for each different line of ``text`` that is not blank, with the system prompt of ``recipe``."""
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not lines:
        raise DataError("There are no questions yet.", "Write one question a line.")
    if len(lines) > MOST_PROMPTS:
        raise DataError(f"These are {len(lines):,} questions.", f"Use at most {MOST_PROMPTS}.")
    if long := next((n for n, line in enumerate(lines, 1) if len(line) > LONGEST_PROMPT), 0):
        raise DataError(f"Question {long} is too long.", f"Use at most {LONGEST_PROMPT:,} characters.")
    return [messages(recipe, line) for line in lines]


def of_file(recipe: Recipe, path: str, find: Callable[[str], Path], most: int) -> list[Prompt]:
    """At most ``most`` prompts from a data file, which ``find`` finds; each line of plain text is a question."""
    dataset = read_main(DataSettings(path=path, system=recipe.data.system), find, trusted=False)
    if dataset.kind == "text":
        lines = (line.strip() for example in dataset.examples for line in example["text"].splitlines())
        found: Iterable[Prompt] = (messages(recipe, line) for line in dict.fromkeys(lines) if line)
    else:
        found = filter(None, map(partial(before_answer, recipe=recipe), dataset.examples))
    prompts = sampled(found, most, recipe.training.seed)
    if not prompts:
        raise DataError("There is no question in this file.", "Choose a file with conversations or questions.")
    return prompts


def before_answer(example: dict, recipe: Recipe | None = None) -> Prompt | None:
    """The conversation of ``example`` before its last answer; None if there is none, or if it is more than text.

    With a ``recipe`` its fixes apply, as they do to questions that a person writes.
    """
    if recipe is not None:
        for fix in recipe.data.fixes:
            example = fix.on_example(example)
    turns = example.get("messages") or example.get("prompt") or []
    if "messages" in example:
        answers = [n for n, turn in enumerate(turns) if turn["role"] == "assistant"]
        turns = turns[: answers[-1]] if answers else turns
    plain = [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    if not any(turn["role"] == "user" for turn in plain) or not all(isinstance(t["content"], str) for t in plain):
        return None
    return plain


def sampled(prompts: Iterable[Prompt], most: int, seed: int) -> list[Prompt]:
    """At most ``most`` different ``prompts`` in their order, sampled by a hash of content and seed."""
    different = {content_hash(prompt, seed): prompt for prompt in prompts}
    kept = set(sorted(different)[: min(most, MOST_PROMPTS)])
    return [prompt for key, prompt in different.items() if key in kept]
