"""Parity: does what was written answer as the run does?

The same questions go to the run, as on the Compare tab, and to what was written, which is opened afresh by a plain
library. Both are greedy, so every token must be the same, the template too, and both must end where the other does.
Where they choose different tokens, the run says how likely it found each: 16 bits round, so a run that was nearly
undecided may go the other way. After such a token both continue from the run's, so that each later one is compared too.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from finetune.exports.reader import Reader
from finetune.exports.target import Target
from finetune.inference import column, question
from finetune.inference.column import Column
from finetune.inference.decoding import SequentialDecoding
from finetune.inference.paired import tuned_variant
from finetune.inference.untouched import Bases, dtype_of
from finetune.inference.voice import Voice
from finetune.machine import hardware
from finetune.machine.hardware import release_memory
from finetune.machine.libraries import load
from finetune.models.loading import load_weights, require_model, with_adapter
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

QUESTIONS = (
    "Hello, who are you?",
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "How do I get my money back?",
    "What is 2 + 3?",
)
"""Asked where the run has too few sample questions of its own."""
ASKED, MOST_TOKENS, MOST_DIFFERENCES = 5, 48, 8
SHOWN = 40
"""Characters of the words before a difference."""
END = "(the end)"
RANKED = 64
"""Tokens of each place of which the run says how likely they are."""


class Difference(Settings):
    """A place where both chose different tokens."""

    after: str
    """The last words before it."""
    run: str
    """The run's token."""
    written: str
    """The token of what was written."""
    run_share: float
    """How likely the run found its own, 0 to 1."""
    written_share: float
    """How likely the run found the other one; of a very unlikely one, an upper bound."""

    @property
    def ratio(self) -> float:
        """How many times more likely the run found its own token."""
        return self.run_share / self.written_share if self.written_share else math.inf


class Compared(Settings):
    """One question to both."""

    question: str
    answer: str
    """The run's."""
    tokens: int
    """Tokens of the run's answer, the one that ended it among them."""
    is_same_prompt: bool
    """True if both templates write the question the same."""
    differences: tuple[Difference, ...] = ()

    def is_near(self, leeway: float) -> bool:
        """True if the run was nearly undecided wherever they differ."""
        return self.is_same_prompt and all(each.ratio <= leeway for each in self.differences)


class Parity(Settings):
    """What the comparison found."""

    opened_with: str
    is_whole: bool = False
    """True if the run was asked over its base as that was before quantization."""
    leeway: float = Field(ge=1)
    """How many times more likely a token may have been to the run, where another one was chosen."""
    compared: tuple[Compared, ...]

    @property
    def passes(self) -> bool:
        """True if every answer is the run's, but for tokens between which the run was nearly undecided."""
        return all(each.is_near(self.leeway) for each in self.compared)

    @property
    def same(self) -> int:
        """Answers of which every token is the same."""
        return sum(each.is_same_prompt and not each.differences for each in self.compared)

    def sentences(self) -> list[str]:
        """What it found, the verdict first."""
        asked = len(self.compared)
        found = [f"{self.same} of {asked} answers are the run's, token for token (opened with {self.opened_with})."]
        for each in self.compared:
            if not each.is_same_prompt:
                found.append(f"“{each.question}”: its template writes this question differently.")
            found += [_told(each, difference) for difference in each.differences]
        if self.is_whole:
            found.append("The run was asked over its base before quantization, into which its adapter is merged.")
        if self.passes and self.same < asked:
            found.append("Where they differ the run itself was nearly undecided: rounding, and no fault.")
        return [f"Parity check: {'passed' if self.passes else 'failed'}.", *found]


def _told(each: Compared, difference: Difference) -> str:
    return (
        f"“{each.question}”, after “{difference.after}”: the run continues with “{difference.run}” "
        f"({difference.run_share:.0%}), what was written with “{difference.written}” "
        f"({'less than ' if difference.written_share < 0.01 else ''}{max(difference.written_share, 0.01):.0%})."
    )


def check(target: Target, run: Run, workspace: Workspace, path: Path, options: Settings) -> Parity | None:
    """``run`` against what ``target`` wrote to ``path`` with ``options``; None if that answers nothing.

    First the run is asked, then what was written: only one of them is in memory.
    """
    if run.recipe.method.makes_scorer or not target.answers:
        return None
    is_whole = target.merged(options) and bool(run.as_trained.adapter.quantization_arguments())
    answers = _of_run(run, workspace, is_whole)
    release_memory()
    reader = target.reader(run, workspace, path)
    found = tuple(_compared(each, reader) for each in answers)
    opened_with = reader.opened_with
    del reader
    release_memory()
    return Parity(opened_with=opened_with, leeway=target.leeway(run, options), compared=found, is_whole=is_whole)


def asked(run: Run) -> list[str]:
    """Five questions: the run's own sample questions first."""
    samples = run.view().samples
    own = [each.prompt for each in samples[-1].answers] if samples else []
    return list(dict.fromkeys([*own, *QUESTIONS]))[:ASKED]


@dataclass
class _Answer:
    """What the run answers to a question."""

    messages: list[dict]
    prompt: list[int]
    ids: list[int]
    """Its tokens, the one that ended it among them."""
    ranked: list[dict[int, float]]
    """For each of them the likeliest tokens of the place, and how likely the run found each."""
    has_ended: bool = False


def _of_run(run: Run, workspace: Workspace, is_whole: bool) -> list[_Answer]:
    """The run's greedy answers, as on the Compare tab; over the base before quantization if ``is_whole``."""
    voice, found = _whole(run, workspace) if is_whole else column.load(Column(run.id), run, Bases(workspace)), []
    for each in asked(run):
        messages = question.messages(run.recipe, each)
        found.append(_Answer(messages, question.prompt_tokens(voice.tokenizer, messages), [], []))
        _decode(found[-1], voice)
    return found


def _whole(run: Run, workspace: Workspace) -> Voice:
    """The adapter of ``run`` beside its base as that was before quantization."""
    load()
    recipe, device = require_model(run).as_trained, hardware.machine().device
    base = load_weights(locate(recipe.model, workspace), dtype_of(recipe), device)
    variant = tuned_variant(with_adapter(base, run.model_dir, "tuned").eval(), recipe.adapter)
    tokenizer = column.tokenizer_in(run.model_dir, load_tokenizer(recipe.model, workspace))
    limits = column.limits_of(variant.model, tokenizer, recipe)
    return Voice(SequentialDecoding(variant), [tokenizer], **limits, how=column.ALONE)


def _decode(answer: _Answer, voice: Voice) -> None:
    """Let ``voice`` answer, and note how likely it found the likeliest tokens of each place."""
    (variant,) = voice.decoding.variants
    most = min(MOST_TOKENS, voice.context - len(answer.prompt))
    logits, cache = variant.step(answer.prompt, variant.cache(), 0)
    while not answer.has_ended and len(answer.ids) < most:
        shares, tokens = logits.softmax(-1).topk(min(RANKED, len(logits)))
        answer.ranked.append(dict(zip(tokens.tolist(), shares.tolist())))
        answer.ids.append(int(logits.argmax()))
        answer.has_ended = answer.ids[-1] in voice.end_ids
        if not answer.has_ended and len(answer.ids) < most:
            logits, cache = variant.step(answer.ids[-1:], cache, len(answer.prompt) + len(answer.ids) - 1)


def _compared(answer: _Answer, reader: Reader) -> Compared:
    """``reader`` asked the same; after each token that differs it continues from the run's."""
    prompt, ids = reader.prompt(answer.messages), answer.ids
    found: list[Difference] = []
    done = 0
    while prompt == answer.prompt and done < len(ids) and len(found) < MOST_DIFFERENCES:
        left = ids[done:]
        # One token more, to see that it ends where the run does.
        given = reader.answer(prompt + ids[:done], len(left) + answer.has_ended)
        if given == left:
            break
        same = next((n for n, (own, other) in enumerate(zip(left, given)) if own != other), min(len(left), len(given)))
        found.append(_difference(answer, reader, done + same, given[same] if same < len(given) else None))
        done += same + 1
    return Compared(
        question=answer.messages[-1]["content"],
        answer=reader.text(ids),
        tokens=len(ids),
        is_same_prompt=prompt == answer.prompt,
        differences=tuple(found),
    )


def _difference(answer: _Answer, reader: Reader, place: int, written: int | None) -> Difference:
    """The difference at ``place`` of the answer, where what was written has the token ``written``, or ended."""
    has_token = place < len(answer.ids)
    shares = answer.ranked[place] if has_token else {}
    return Difference(
        after=reader.text(answer.ids[:place])[-SHOWN:],
        run=reader.text([answer.ids[place]]) if has_token else END,
        written=END if written is None else reader.text([written]),
        run_share=shares[answer.ids[place]] if has_token else 1.0,
        written_share=0.0 if written is None else shares.get(written, min(shares.values(), default=0.0)),
    )
