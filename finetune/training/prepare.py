"""Preparation of a run: recipe and workspace in; tokenizer, rows, defaults and notes out.

Training, the probe, the estimate and the exported script all prepare here, without a run: what there is to note is
returned, and whoever works on a run reports it as events.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from finetune.data.asking import notes_of_asking
from finetune.data.blocks import blocks
from finetune.data.counts import Counts
from finetune.data.mix import gather
from finetune.data.pieces import cutting, training_rows
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError, ModelError, RecipeError
from finetune.format import counted
from finetune.inference.question import messages, prompt_tokens
from finetune.methods import mismatch
from finetune.models.locate import load_config
from finetune.models.tokenizer import load_tokenizer, unknown_token
from finetune.models.turn_end import turn_end_problem
from finetune.recipe import Recipe
from finetune.runs.events import Noted
from finetune.runs.workspace import Workspace
from finetune.training.defaults import Defaults, choose_defaults
from finetune.training.sample_answers import prompt_of
from finetune.training.teacher import require_shared_vocabulary

PROMPTS_SHOWN = 3
"""Prompts that are answered during training when the recipe names none."""
TRAINING = "training"
"""The part that a run cannot do without."""


@dataclass
class Rows:
    """Tokenized rows, ready for the trainer."""

    train: list[dict]
    held_out: list[dict]
    counts: Counts
    """Of the training rows."""
    prompts: list[list[dict]]
    """Conversations up to the user's turn, from held-out rows, to be answered during training."""

    @property
    def longest(self) -> int:
        """Tokens of the longest training row, all its columns of ids together."""
        return max(map(row_tokens, self.train))


@dataclass(frozen=True)
class Reach:
    """What a model reads."""

    context: float
    """Tokens at once; infinite where nothing limits them."""
    vocabulary: int
    """Tokens that it knows."""


@dataclass
class Prepared:
    """Everything about a run that is known before its model is loaded."""

    tokenizer: Any
    rows: Rows
    defaults: Defaults
    notes: list[Noted] = field(default_factory=list)
    """What a person should know of the rows: those left out, truncated, mixed in."""


def prepare(recipe: Recipe, workspace: Workspace, processes: int = 1) -> Prepared:
    """The rows of ``recipe``, read, split and tokenized, and the numbers its run will use.

    ``DataError`` if nothing is left to train on, ``RecipeError`` if the method does not read this kind of example.
    """
    tokenizer = load_tokenizer(recipe.model, workspace)
    config = load_config(recipe.model, workspace).get_text_config()
    require_shared_vocabulary(recipe, workspace, tokenizer, config.vocab_size)
    context = (getattr(config, "max_position_embeddings", None) or math.inf) - recipe.adapter.own_positions()
    recipe, cut = within_context(recipe, context)
    rows, notes = _rows(recipe, workspace, tokenizer, Reach(context, config.vocab_size))
    defaults = choose_defaults(recipe, [row_tokens(row) for row in rows.train], config.hidden_size, processes)
    return Prepared(tokenizer, rows, defaults, [*cut, *notes])


def within_context(recipe: Recipe, context: float) -> tuple[Recipe, list[Noted]]:
    """``recipe`` with a length of at most the model's ``context`` in tokens, and a note if that is shorter."""
    if recipe.training.length <= context:
        return recipe, []
    words = f"The model reads at most {context:,} tokens, so rows are truncated there and not at "
    note = Noted(message=f"{words}{recipe.training.length:,}.", level="warning")
    return recipe.changed(**{"training.length": context}), [note]


def _rows(recipe: Recipe, workspace: Workspace, tokenizer, reach: Reach) -> tuple[Rows, list[Noted]]:
    gathered = gather(recipe.data, workspace.find, recipe.training.seed)
    dataset, held_out = gathered.dataset, gathered.held_out
    if unsuited := mismatch(recipe.method, dataset.kind, dataset.title):
        raise RecipeError(unsuited.message, unsuited.hint)
    recipe.method.require_trainable(gathered.train)
    notes = [Noted(message=note) for note in (dataset.detected.account, *gathered.notes)]
    if dataset.kind != "text" and (problem := turn_end_problem(tokenizer)):
        notes.append(Noted(message=problem, level="warning"))
    if caution := recipe.method.caution(recipe.data):
        notes.append(Noted(message=caution, level="warning"))
    asking = notes_of_asking(gathered.train, tokenizer, recipe.method.sequences)
    notes += [Noted(message=words, level=level) for level, words in asking]
    if dataset.rejected:
        first = dataset.rejected[0]
        words = f"Rows left out: {len(dataset.rejected):,}. The first is {first.where}: {first.reason}"
        notes.insert(0, Noted(message=words, level="warning"))
    train, counts, lost = tokenize(recipe, gathered.train, tokenizer, TRAINING, reach.vocabulary)
    evaluated, _, lost_too = tokenize(recipe, held_out, tokenizer, "held-out", reach.vocabulary)
    asked, unread = prompts(recipe, held_out or gathered.train, tokenizer, reach)
    if not train:
        raise DataError(
            f"At {recipe.training.length} tokens no row is left to train on.",
            "Raise the length on the Method tab.",
        )
    return Rows(train, evaluated, counts, asked), [*notes, *lost, *lost_too, *unread]


def tokenize(
    recipe: Recipe, examples: Sequence[dict], tokenizer, part: str, vocabulary: int
) -> tuple[list[dict], Counts, list[Noted]]:
    """Rows for the trainer, what is counted of them, and what to note: a row without a trained token is dropped.

    ``vocabulary`` is the number of tokens that the model knows; a row with another one is dropped too. ``DataError`` if
    all training rows are refused: a run can do without held-out rows, but not without these.
    """
    rows, counts, truncated, empty, too_long, refused = [], Counts(), 0, 0, 0, []
    made = cutting(recipe.method.sequences, recipe.data)
    texts: list[TokenSequence] = []

    def add(example: dict, row: tuple[TokenSequence, ...]) -> None:
        nonlocal counts
        rows.append(recipe.method.columns(example, row))
        counts += Counts.of(row)

    for example in examples:
        try:
            sequences = made(example, tokenizer, recipe.training.length)
            _require_known(sequences, tokenizer, vocabulary)
        except DataError as error:
            refused.append(error)
            continue
        is_truncated = any(sequence.is_truncated for sequence in sequences)
        if recipe.method.generates and is_truncated:  # half a question would be answered
            too_long += 1
            continue
        truncated += is_truncated
        if not (recipe.method.generates or all(sequence.has_trained_tokens for sequence in sequences)):
            empty += 1
            continue
        if recipe.method.joins_texts and "text" in example:
            texts += sequences
            continue
        for each in training_rows(example, sequences):
            add(example, each)
    for block in blocks(texts, recipe.training.length):
        add({}, (block,))
    if refused and not rows and part == TRAINING:
        raise refused[0]
    lost = (
        (truncated, f"truncated at {recipe.training.length} tokens"),
        (empty, "dropped, because no trained token was left in them"),
        (too_long, f"dropped, because their prompts are longer than {recipe.training.length} tokens"),
        (len(refused), f"dropped: {refused[0].message.rstrip('.') if refused else ''}"),
    )
    notes = [
        Noted(message=f"{counted(count, f'{part} row')} {'was' if count == 1 else 'were'} {words}.", level="warning")
        for count, words in lost
        if count
    ]
    return rows, counts, notes


def _require_known(sequences: Sequence[TokenSequence], tokenizer, vocabulary: int) -> None:
    """``DataError`` if a token of ``sequences`` has no row in the model's embedding of ``vocabulary`` rows."""
    if fault := unknown_token(chain.from_iterable(sequence.ids for sequence in sequences), tokenizer, vocabulary):
        hint = "Tokenizer and model do not fit: download the model again, or remove the token that was added."
        raise DataError(fault, hint)


def prompts(recipe: Recipe, examples: Sequence[dict], tokenizer, reach: Reach) -> tuple[list[list[dict]], list[Noted]]:
    """The conversations to answer during training: the recipe's prompts, else the first held-out questions.

    What the model cannot read is left out: of the recipe's prompts with a note, of the questions for the next one.
    """
    wanted = [messages(recipe, prompt) for prompt in recipe.evaluation.prompts]
    if not wanted:
        found = (prompt for prompt in map(prompt_of, examples) if prompt and _reads(reach, prompt, tokenizer))
        return list(islice(found, PROMPTS_SHOWN)), []
    read = [prompt for prompt in wanted if _reads(reach, prompt, tokenizer)]
    if len(read) == len(wanted):
        return read, []
    words = f"Left out: {counted(len(wanted) - len(read), 'sample prompt')} that the model cannot read whole."
    return read, [Noted(message=words, level="warning")]


def _reads(reach: Reach, prompt: list[dict], tokenizer) -> bool:
    """True if the template takes ``prompt``, it leaves room for an answer, and the model knows each of its tokens."""
    try:
        ids = prompt_tokens(tokenizer, prompt)
    except ModelError:
        return False
    return len(ids) < reach.context and not unknown_token(ids, tokenizer, reach.vocabulary)


def row_tokens(row: dict) -> int:
    """Tokens of a trainer's row, all its columns of ids together."""
    return sum(len(ids) for name, ids in row.items() if name.endswith("ids"))


def sequence_tokens(row: dict) -> int:
    """Tokens of the longest sequence that a trainer's row becomes: the prompt with its longest answer."""
    prompt = len(row.get("prompt_ids", ()))
    others = (len(ids) for name, ids in row.items() if name.endswith("ids") and name != "prompt_ids")
    return prompt + max(others, default=0)
