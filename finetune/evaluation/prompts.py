"""The prompts of a blind test: from held-out rows, from a person's own list, or from a file."""

from collections.abc import Callable, Iterable
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
    """At most ``most`` prompts from the held-out rows of ``run``, sampled by its seed; ``DataError`` if it has none."""
    recipe, seed = run.recipe, run.recipe.training.seed
    try:
        path, *also = files(recipe.data, workspace.find)
        *_, held_out = read_split(path, recipe.data, seed, also)
    except FinetuneError as error:
        raise DataError(f"The held-out rows cannot be read: {error.message}", OTHERWISE) from None
    if not held_out:
        raise DataError("This run has no held-out rows.", OTHERWISE)
    if "text" in held_out[0]:
        raise DataError("The held-out rows of this run are plain text, which asks nothing.", OTHERWISE)
    return sampled(filter(None, map(before_answer, held_out)), most, seed)


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
