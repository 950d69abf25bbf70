"""What makes an answer comparable, checked at each question: the base is the base, and only the training differs.

A check that fails ends the question before any answer is shown. What is checked is what then answers: the decoding
itself on a probe prompt, the prompts that it reads, the samplers that it samples with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.adapters import Adapter
from finetune.errors import ModelError, Problem
from finetune.inference.column import Column
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.trial import probe
from finetune.inference.voice import Voice


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    name: str
    """In a few words, e.g. ``same seed 7``."""
    passed: bool
    words: str
    """What was found, as a sentence; of a check that failed, what is wrong."""
    hint: str = ""
    """What to do about it, as a sentence; empty if there is nothing to do."""
    warns: bool = False
    """True for something to know that makes no answer wrong."""


@dataclass(frozen=True)
class Integrity:
    """The checks of one question."""

    checks: tuple[Check, ...] = ()

    @property
    def ok(self) -> bool:
        """True if no check failed."""
        return all(check.passed for check in self.checks)

    @property
    def line(self) -> str:
        """All of it in one short sentence: ``Adapter off in the base · same prompt tokens · same seed 7``."""
        if not self.ok:
            return f"Not comparable: {'; '.join(check.name for check in self.checks if not check.passed)}"
        found = " · ".join(check.name for check in self.checks)
        return found[:1].upper() + found[1:]

    def require(self) -> "Integrity":
        """Itself; ``ModelError`` with what failed and what to do."""
        failed = [check for check in self.checks if not check.passed]
        if not failed:
            return self
        first, rest = failed[0], failed[1:]
        problems = tuple(Problem("", check.words, check.hint) for check in rest)
        raise ModelError(first.words, first.hint, problems)


@dataclass
class Asked:
    """A voice with the columns that it answers for, as they are asked."""

    voice: Voice
    columns: tuple[Column, ...]
    places: tuple[int, ...]
    """Where its columns stand in the panel."""
    conversations: tuple[list[dict], ...]
    prompts: tuple[list[int], ...]
    """The tokens that each column reads."""
    adapter: Adapter
    """How its columns were trained."""
    template: str
    """Which chat template the recipe chose."""
    sampler: TokenSampler

    @property
    def reads(self) -> tuple:
        """What decides how a question becomes tokens: columns for which it is equal read the same."""
        return self.voice.untouched.folder.resolve(), self.template

    def of_each(self) -> list[tuple[Column, list[dict], list[int], Any]]:
        """Each column with its conversation, its tokens and its tokenizer."""
        return list(zip(self.columns, self.conversations, self.prompts, self.voice.tokenizers))


def check(asked: Sequence[Asked], sampling: Sampling) -> Integrity:
    """All checks of a question to ``asked``; the caller holds the locks of their voices."""
    probed = [probe(each.voice.decoding, len(each.columns)) for each in asked]
    found = [_untouched(each, steps) for each, steps in zip(asked, probed)]
    found += [*_prompts(asked), _sampling(asked, sampling), *_precision(asked)]
    found += [effect for each, steps in zip(asked, probed) for effect in _effects(each, steps)]
    return Integrity(tuple(dict.fromkeys(each for each in found if each)))


AGAIN = "Ask again: the models are loaded anew. If this stays, restart the program."
"""What to do about models that are not as they were loaded."""


def _untouched(asked: Asked, steps: list) -> Check | None:
    """Whether the base row answers the probe as the base did alone; without one, whether its weights still do."""
    base, rows = asked.voice.untouched, [place for place, column in enumerate(asked.columns) if column.is_base]
    where = "adapter off in the base" if not asked.adapter.trains_base() else "base apart from the tuned model"
    if base.has_other_files:
        return Check(
            where,
            False,
            f"The files of the base in {base.folder} have changed since it was loaded, so it is another model now.",
            "Restore the model that the run was trained on, or start a new run.",
        )
    if off := base.difference(base.probe()):
        words = f"The weights of the base were changed in memory, as by merging an adapter into them{_by(off)}."
        return Check(where, False, words, AGAIN)
    if off := max([base.difference([step[row] for step in steps]) for row in rows], default=0.0):
        why = "an adapter is left on in it" if not asked.adapter.trains_base() else "another model answers in its place"
        return Check(where, False, f"The base column is not the untouched base: {why}{_by(off)}.", AGAIN)
    if not rows:
        return None
    words = "The base column gives the logits of the untouched base, recorded before an adapter was attached."
    known = " Its files have the fingerprint of those that the run was trained on."
    other = " The run recorded no fingerprint of its base, which goes by its name alone."
    return Check(where, True, words + (known if asked.voice.is_known_base else other))


def _by(difference: float) -> str:
    return f" (its logits differ by up to {difference:.2g})"


def _prompts(asked: Sequence[Asked]) -> list[Check]:
    """Whether all columns of one base are asked in the same tokens."""
    name, found = "same prompt tokens", []
    groups: dict[tuple, list] = {}
    for each in asked:
        groups.setdefault(each.reads, []).extend(each.of_each())
    for first, *rest in groups.values():
        found += [fault for each in rest if (fault := _other_prompt(name, first, each))]
    if len(groups) > 1:
        words = "The columns have other bases or chat templates, so each reads the question in tokens of its own."
        found.append(Check("tokens of each base's own", True, words, warns=True))
    elif not found:
        lengths = {len(ids) for each in asked for ids in each.prompts}
        many = f"all {lengths.pop():,} of them" if len(lengths) == 1 else "behind each column's own earlier answers"
        found.append(Check(name, True, f"All columns read the question as the same tokens, {many}."))
    return found


def _other_prompt(name: str, first: tuple, other: tuple) -> Check | None:
    """How the prompt of one column is another than the first one's; None if it is not, or only by earlier answers."""
    (column, messages, ids, tokenizer), (other_column, other_messages, other_ids, other_tokenizer) = first, other
    who = f"{column.words} and {other_column.words}"
    if asked_of(messages) != asked_of(other_messages):
        if column.run != other_column.run:
            return Check("own question", True, f"Of {who} each is asked with its own recipe.", warns=True)
        return Check(name, False, f"Not the same question: {who} are asked different ones.", AGAIN)
    rendered, other_rendered = prompt_tokens(tokenizer, other_messages), other_ids
    if messages == other_messages:
        rendered = ids
    if rendered == other_rendered:
        return None
    place = next((n for n, (a, b) in enumerate(zip(rendered, other_rendered)) if a != b), None)
    place = min(len(rendered), len(other_rendered)) if place is None else place
    seen, other_seen = (
        repr(each.decode(tokens[place : place + 4]))
        for each, tokens in ((tokenizer, rendered), (other_tokenizer, other_rendered))
    )
    return Check(
        name,
        False,
        f"Not the same prompt: at token {place + 1:,}, {who} read {seen} and {other_seen}.",
        "Their chat templates differ. Restore that of the base or the one saved with the tuned model, whichever "
        "was changed.",
    )


def asked_of(messages: list[dict]) -> list[dict]:
    """The conversation without the answers of the model: what all columns share."""
    return [message for message in messages if message["role"] != "assistant"]


def _sampling(asked: Sequence[Asked], sampling: Sampling) -> Check:
    """Whether all columns are sampled by what was asked for, from the same random state."""
    import torch

    wanted = TokenSampler(sampling)
    samplers = [each.sampler for each in asked]
    name = "same settings, greedy" if sampling.greedy else f"same seed {sampling.seed}"
    for each in samplers:
        differing = [what for what in wanted.settings if each.settings[what] != wanted.settings[what]]
        if differing or not torch.equal(each.generator.get_state(), wanted.generator.get_state()):
            what = differing[0].replace("_", " ") if differing else "random state"
            values = f": {each.settings[differing[0]]} instead of {wanted.settings[differing[0]]}" if differing else ""
            return Check(name, False, f"Not all columns are sampled alike: another {what}{values}.", AGAIN)
    return Check(name, True, "All columns have the same sampling settings and the same random numbers.")


def _precision(asked: Sequence[Asked]) -> list[Check]:
    """A warning where columns have the same base in other numbers: 4 bits beside 16, or another precision."""
    bases = {id(each.voice.untouched): each for each in asked}.values()
    if len({each.reads for each in bases}) == len(bases):
        return []
    words = "The same base is there in other numbers (quantized, or in another precision): that changes answers too."
    return [Check("bases in different precision", True, words, warns=True)]


def _effects(asked: Asked, steps: list) -> list[Check]:
    """A warning for each tuned column that answers the probe as the base does, to the last bit."""
    import torch

    alone = asked.voice.untouched.recorded[0]
    silent = [
        column.words
        for row, column in enumerate(asked.columns)
        if not column.is_base and all(torch.equal(step[row], base) for step, base in zip(steps, alone))
    ]
    return [
        Check(
            "training changed nothing",
            True,
            f"The model of {who} gives exactly the base's logits on the probe: its training has changed nothing yet.",
            "Look at its loss and its learning rate on the Train tab.",
            warns=True,
        )
        for who in silent
    ]
