"""The two models of an evaluation, and what they give for rows: answers, losses, margins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.data.tokens import TokenSequence
from finetune.errors import DataError, ModelError
from finetune.evaluation.metrics.metric import Asked, Given
from finetune.evaluation.metrics.words import answer_of
from finetune.evaluation.questions import sequences_of
from finetune.inference.chat import Pair
from finetune.inference.generation import Generation, Written
from finetune.inference.likelihood import Likelihood, likelihoods
from finetune.inference.question import prompt_tokens
from finetune.models.tokenizer import unknown_token
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

SPARE, LEAST_TOKENS, MOST_TOKENS = 1.5, 64, 512
"""An answer may be this much longer than the longest expected one, within these bounds in tokens."""


@dataclass
class Reply:
    """What one model gave for one row: the answer as written, and as metrics read it."""

    written: str
    given: Given


class Subject:
    """Base and tuned of a run, loaded."""

    def __init__(self, run: Run, workspace: Workspace):
        self.run = run
        self.recipe: Recipe = run.as_trained
        pair = Pair.load(run, workspace)
        self.tokenizer, self.context, self.vocabulary = pair.tokenizer, pair.context, pair.vocabulary
        variants = getattr(pair.decoding, "sequential", pair.decoding).variants
        self.models = tuple(Generation(variant, pair.end_ids) for variant in variants)
        """Base and tuned."""

    def readable(self, asked: Sequence[Asked], most: int = LEAST_TOKENS) -> list[Asked]:
        """Those of ``asked`` whose prompt the models can read, with room for an answer."""
        return [each for each in asked if not each.messages or self._prompt(each, most)]

    def longest_answer(self, asked: Sequence[Asked]) -> int:
        """How long an answer may be, in tokens, by the expected ones."""
        expected = [len(self.tokenizer(each.expected)["input_ids"]) for each in asked if each.expected]
        if not expected:
            return min(MOST_TOKENS, getattr(self.recipe.method, "max_tokens", MOST_TOKENS // 2))
        return min(MOST_TOKENS, max(LEAST_TOKENS, int(SPARE * max(expected))))

    def replies(
        self, asked: Sequence[Asked], most: int, stopped: Callable[[], bool] = lambda: False
    ) -> list[tuple[Reply, Reply]]:
        """What base and tuned give for each of ``asked``; nothing once ``stopped``."""
        both = [self._of_one(model, asked, most, stopped) for model in self.models]
        return list(zip(*both))

    def continued(self, prompts: Sequence[list[int]], most: int) -> list[tuple[str, str]]:
        """The texts by which base and tuned continue each of ``prompts``, token ids."""
        both = [[self._text(each) for each in model.answers(prompts, most)] for model in self.models]
        return list(zip(*both))

    def _of_one(self, model: Generation, asked: Sequence[Asked], most: int, stopped) -> list[Reply]:
        prompts = [self._prompt(each, most) for each in asked if each.messages]
        answers: Any = iter(model.answers(prompts, most, stopped))
        written = [next(answers, None) if each.messages else Written([], False) for each in asked]
        if stopped() or None in written:
            return []
        losses = self._losses(model, asked)
        found = []
        for answer, (loss, tokens, margin) in zip(written, losses):
            text = self._text(answer)
            length = len(answer.ids)
            given = Given(answer_of(text), length, answer.is_truncated, loss, tokens, margin)
            found.append(Reply(text, given))
        return found

    def _losses(self, model: Generation, asked: Sequence[Asked]) -> list[tuple[float | None, int, float | None]]:
        """Of each row the mean loss, the number of its tokens, and the margin of a pair."""
        sequences = [self._sequences(each) for each in asked]
        flat = [sequence for each in sequences for sequence in each]
        found = iter(likelihoods(model, flat))
        return [_loss([next(found) for _ in each], each) for each in sequences]

    def _sequences(self, asked: Asked) -> tuple[TokenSequence, ...]:
        """The sequences of a row that the models can score: those with trained tokens that they know."""
        try:
            sequences = sequences_of(self.recipe, asked.example, self.tokenizer)
        except DataError:
            return ()
        ids = [token for each in sequences for token in each.ids]
        if unknown_token(ids, self.tokenizer, self.vocabulary) or any(len(e.ids) > self.context for e in sequences):
            return ()
        return sequences if all(any(each.trained[1:]) for each in sequences) else ()

    def _prompt(self, asked: Asked, most: int) -> list[int]:
        """The tokens of the question; none if the model cannot read it and answer in ``most`` tokens."""
        try:
            ids = prompt_tokens(self.tokenizer, list(asked.messages))
        except ModelError:
            return []
        if len(ids) + most > self.context or unknown_token(ids, self.tokenizer, self.vocabulary):
            return []
        return ids

    def _text(self, written: Written) -> str:
        text = self.tokenizer.decode(written.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.rstrip("\ufffd")


def _loss(found: list[Likelihood], sequences: tuple[TokenSequence, ...]) -> tuple[float | None, int, float | None]:
    if not found:
        return None, 0, None
    first = found[0]
    margin = first.mean - found[1].mean if sequences[0].name == "chosen" else None
    if margin is None:  # the pieces of one text are one row
        first = Likelihood(sum(each.total for each in found), sum(each.tokens for each in found))
    return -first.mean, first.tokens, margin
