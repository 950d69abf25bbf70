"""The ballot of a blind test: its questions with both answers, fixed once, so that all voters judge the same texts.

    blind-test.json     what is asked: prompts, sampling, and the salt of every order (``Plan``), written first
    ballot.jsonl        each prompt with both answers (``Asked``), a line each, in the order of the prompts

Both stand in the run directory. A ballot that was interrupted is continued with the next prompt.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import Timeout
from pydantic import ValidationError

from finetune.data.split import content_hash
from finetune.errors import BusyError, ModelError, RunError
from finetune.evaluation.prompts import Prompt
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling
from finetune.methods import METHODS
from finetune.runs import lines
from finetune.runs.run import Run
from finetune.settings import Settings

Source = Literal["held-out", "list", "file"]
SALT_BYTES = 16
DONE = ("blind-test.json", "ballot.jsonl", "votes.jsonl")
"""The files of a blind test, which are put away together."""


class Plan(Settings):
    """What a blind test asks."""

    at: float
    """When it was made, in Unix seconds."""
    source: Source
    prompts: tuple[list[dict], ...]
    """Conversations that end where an answer is due."""
    sampling: Sampling
    salt: str
    """Secret part of the hash that orders questions and answers, so that no voter can compute which is which."""


class Asked(Settings):
    """A prompt with both answers, or the reason why there are none."""

    id: int
    """The place of its prompt, from 0."""
    messages: list[dict]
    base: str = ""
    tuned: str = ""
    refused: str = ""
    """Why the models could not be asked, as a sentence."""

    @property
    def can_be_judged(self) -> bool:
        """False if both answers are the same, or there are none: nothing to choose."""
        return not self.refused and self.base.strip() != self.tuned.strip()

    @property
    def question(self) -> str:
        """The last turn before the answer."""
        return self.messages[-1]["content"]


@dataclass(frozen=True)
class Ballot:
    """A blind test's plan, and what has been asked of it so far."""

    plan: Plan
    asked: tuple[Asked, ...]
    """In the order of the prompts."""

    @property
    def tag(self) -> str:
        """Tells the ballot apart from an earlier one of the same run, and says nothing of its salt."""
        return content_hash([self.plan.salt, "tag"]).hex()[:8]

    @property
    def questions(self) -> tuple[Asked, ...]:
        """Those that can be judged."""
        return tuple(each for each in self.asked if each.can_be_judged)

    @property
    def equal(self) -> int:
        """How many were left out because both answers are the same."""
        return sum(not each.refused and not each.can_be_judged for each in self.asked)

    @property
    def refused(self) -> tuple[Asked, ...]:
        """Those that could not be asked."""
        return tuple(each for each in self.asked if each.refused)

    @property
    def waiting(self) -> int:
        """How many prompts are not asked yet."""
        return len(self.plan.prompts) - len(self.asked)


def draw_up(run: Run, prompts: Sequence[Prompt], source: Source, sampling: Sampling = Sampling()) -> Plan:
    """The plan of a blind test of ``run`` on ``prompts``, kept in the run directory; nothing is asked yet.

    ``RunError`` if it is a reward model, or has a blind test already.
    """
    if METHODS[run.view().method].makes_scorer:
        raise RunError(f"Run {run.id} is a reward model: it writes no answers to judge.", "Choose another run.")
    plan = Plan(at=time.time(), source=source, prompts=tuple(prompts), sampling=sampling,
                salt=secrets.token_hex(SALT_BYTES))  # fmt: skip
    with run.lock(".blind-test.lock"), run.here():
        if (run.path / "blind-test.json").exists():
            raise RunError(f"Run {run.id} has a blind test already.", "Put it away before you start another.")
        unfinished = run.path / ".blind-test.json"
        unfinished.write_text(plan.model_dump_json(), encoding="utf-8")
        unfinished.replace(run.path / "blind-test.json")
    return plan


def read(run: Run) -> Ballot | None:
    """The ballot of ``run`` so far; None if it has no blind test."""
    try:
        plan = Plan.model_validate_json((run.path / "blind-test.json").read_bytes())
    except (OSError, ValidationError):
        return None
    asked: dict[int, Asked] = {}
    for record in lines.read(run.path / "ballot.jsonl"):
        try:
            each = Asked.model_validate(record)
        except ValidationError:
            continue
        if 0 <= each.id < len(plan.prompts):
            asked.setdefault(each.id, each)  # what was shown once stays
    return Ballot(plan, tuple(asked[n] for n in sorted(asked)))


def ask_rest(run: Run, pair_of: Callable[[], Pair]) -> Iterator[Asked]:
    """Ask the pair every prompt that is not asked yet, and keep each answer before the next is asked.

    ``pair_of`` gives the pair, loaded, and is called for each prompt. ``BusyError`` while another process asks.
    """
    lock = run.lock(".ballot.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"The prompts of run {run.id} are being asked.", "Wait until its answers are there.") from None
    try:
        ballot = read(run)
        if ballot is None:
            raise RunError(f"Run {run.id} has no blind test.", "Start one on the Compare tab.")
        known = {each.id for each in ballot.asked}
        for n, prompt in enumerate(ballot.plan.prompts):
            if n not in known:
                asked = _ask(pair_of(), n, prompt, ballot.plan.sampling)
                with run.here():
                    lines.append(run.path / "ballot.jsonl", json.loads(asked.model_dump_json()))
                yield asked
    finally:
        lock.release()


def put_away(run: Run) -> Path:
    """Move the blind test of ``run`` with all its votes to a folder of its own, which makes room for another one."""
    with run.lock(".blind-test.lock"), run.here():
        folder = run.path / "earlier-tests" / time.strftime("%Y-%m-%d-%H%M%S")
        folder.mkdir(parents=True, exist_ok=True)
        for name in DONE:
            if (run.path / name).exists():
                (run.path / name).replace(folder / name)
    return folder


def _ask(pair: Pair, n: int, prompt: Prompt, sampling: Sampling) -> Asked:
    try:
        replies = pair.reply(prompt, prompt, sampling)
    except ModelError as error:  # this prompt's own, before anything is computed
        return Asked(id=n, messages=prompt, refused=error.message)
    *_, reply = replies
    return Asked(id=n, messages=prompt, base=reply.base, tuned=reply.tuned)
