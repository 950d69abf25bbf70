"""Rows as the trainer takes them: read, split, tokenized and masked, with a note of every row that is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.data.counts import Counts
from finetune.data.mix import gather
from finetune.errors import DataError, RecipeError
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training.sample_answers import prompt_of

PROMPTS_SHOWN = 3
"""Prompts that are answered during training when the recipe names none."""


@dataclass
class Rows:
    """Tokenized rows, ready for the trainer."""

    train: list[dict]
    held_out: list[dict]
    counts: Counts
    """Of the rows to learn from."""
    prompts: list[list[dict]]
    """Conversations up to the user's turn, from held-out rows, to be answered during training."""


def prepare(run: Run, recipe: Recipe, workspace: Workspace, tokenizer) -> Rows:
    """Read, split and tokenize the recipe's data, noting every row that is left out."""
    gathered = gather(recipe.data, workspace.find, recipe.training.seed)
    dataset, held_out = gathered.dataset, gathered.held_out
    if dataset.kind not in recipe.method.reads:
        raise RecipeError(
            f"{recipe.method.type.upper()} cannot learn from these rows: they are {dataset.title}.",
            "Choose a method that suits the data, on the Method tab.",
        )
    if dataset.rejected:
        first = dataset.rejected[0]
        words = f"Rows left out: {len(dataset.rejected):,}. The first is {first.where}: {first.reason}"
        run.emit(events.Noted(message=words, level="warning"))
    for note in gathered.notes:
        run.emit(events.Noted(message=note))
    train_rows, counts = tokenize(run, recipe, gathered.train, tokenizer, "training")
    held_out_rows, _ = tokenize(run, recipe, held_out, tokenizer, "held-out")
    if not train_rows:
        raise DataError(
            f"No row has anything left to learn at a length of {recipe.training.length} tokens.",
            "Raise the length on the Method tab.",
        )
    return Rows(train_rows, held_out_rows, counts, prompts(recipe, held_out or gathered.train))


def tokenize(run: Run, recipe: Recipe, examples: Sequence[dict], tokenizer, part: str) -> tuple[list[dict], Counts]:
    """Rows for the trainer, and what is counted of them; a row that cannot be learnt from is dropped and noted."""
    rows, counts, truncated, empty, refused = [], Counts(), 0, 0, []
    for example in examples:
        try:
            sequences = recipe.method.sequences(example, tokenizer, recipe.training.length)
        except DataError as error:
            refused.append(error)
            continue
        truncated += any(sequence.is_truncated for sequence in sequences)
        if not all(sequence.has_trained_tokens for sequence in sequences):
            empty += 1
            continue
        rows.append(recipe.method.columns(sequences))
        counts += Counts.of(sequences)
    if refused and not rows:
        raise refused[0]
    for count, words in (
        (truncated, f"longer than {recipe.training.length} tokens and cut"),
        (empty, "dropped, because nothing was left to learn in them"),
        (len(refused), f"dropped: {refused[0].message if refused else ''}"),
    ):
        if count:
            run.emit(
                events.Noted(message=f"{count} of the {part} rows were {words}.".replace("..", "."), level="warning")
            )
    return rows, counts


def prompts(recipe: Recipe, examples: Sequence[dict]) -> list[list[dict]]:
    """The conversations to answer during training: the recipe's prompts, else the first held-out questions."""
    system = [{"role": "system", "content": recipe.data.system}] if recipe.data.system else []
    if recipe.evaluation.prompts:
        return [[*system, {"role": "user", "content": prompt}] for prompt in recipe.evaluation.prompts]
    found = [prompt_of(example) for example in examples[:PROMPTS_SHOWN]]
    return [prompt for prompt in found if prompt]


def length(row: dict) -> int:
    """Tokens of a trainer's row, all its columns of ids together."""
    return sum(len(ids) for name, ids in row.items() if name.endswith("ids"))
