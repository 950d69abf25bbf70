"""Base and tuned side by side: one question, two answers, and only the training differs.

Both get the same prompt tokens, the same settings and the same random numbers: with sampling, each step draws one set
of random numbers for both. The pair has its own generator, so that it does not disturb the random state of a training
in another thread. The base answers token for token as the untouched model does.
"""

import difflib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.inference.column import asked_as, limits_of, tokenizer_in
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.untouched import Bases, dtype_of
from finetune.inference.voice import AnswerText, Voice
from finetune.machine import hardware
from finetune.machine.libraries import load
from finetune.models.loading import load_base, load_weights, require_model, with_adapter
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer
from finetune.runs.fingerprint import require_same_base
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


@dataclass(frozen=True)
class Reply:
    """Both answers so far."""

    base: str
    tuned: str
    base_tokens: int
    tuned_tokens: int
    tokens_per_s: float
    """Tokens of both answers per second since the question."""
    done: bool = False
    base_truncated: bool = False
    """True if the base's answer was truncated at the longest answer, or where the context is full."""
    tuned_truncated: bool = False
    """The same for the tuned model's answer."""


class Pair(Voice):
    """Base and tuned of a finished run, ready to answer."""

    @classmethod
    def load(cls, run: Run, workspace: Workspace, bases: Bases | None = None) -> "Pair":
        """Base and tuned of ``run``; ``RunError`` if it has no tuned model yet.

        A base that ``bases`` holds is not read again.
        """
        recipe = asked_as(require_model(run))
        model = recipe.model
        load()
        machine, dtype = hardware.machine(), dtype_of(recipe)
        tokenizer = load_tokenizer(model, workspace)

        def another():
            return load_base(model, workspace, recipe.adapter, dtype, machine.device)

        is_known = require_same_base(run, locate(model, workspace))
        untouched = (bases or Bases(workspace)).get(recipe)
        if recipe.adapter.trains_base():
            decoding, how = decoding_of_models(untouched.model, load_weights(run.model_dir, dtype, machine.device))
        else:
            tuned = with_adapter(untouched.copy(), run.model_dir, "tuned").eval()
            alone = [steps[0] for steps in untouched.recorded]
            decoding, how = decoding_of_adapter(tuned, recipe.adapter, another, alone)
        tokenizers = tokenizer, tokenizer_in(run.model_dir, tokenizer)
        limits = limits_of(untouched.model, tokenizer, recipe)
        return cls(decoding, tokenizers, **limits, how=how, untouched=untouched, is_known_base=is_known)

    def reply(
        self,
        base_messages: list[dict],
        tuned_messages: list[dict],
        sampling: Sampling = Sampling(),
        stop: threading.Event | None = None,
    ) -> Iterator[Reply]:
        """Both answers as they grow, one ``Reply`` per decoding step; the last one is ``done``.

        Base and tuned may have different histories. Setting ``stop`` ends both answers at the next token. A
        conversation that fills the context, or has a token that the model does not know, raises ``ModelError`` here,
        before anything is computed.
        """
        prompts = tuple(prompt_tokens(self.tokenizer, each) for each in (base_messages, tuned_messages))
        room = min(sampling.max_tokens, self.room(prompts))
        return self._replies(prompts, sampling, room, stop or threading.Event())

    def _replies(self, prompts, sampling: Sampling, room: int, stop: threading.Event) -> Iterator[Reply]:
        base, tuned = answers = tuple(AnswerText(self.tokenizer, sampling.stop) for _ in prompts)
        with self.lock:
            began = time.perf_counter()

            def so_far(done: bool = False) -> Reply:
                seconds = max(time.perf_counter() - began, 1e-9)
                speed = (len(base.ids) + len(tuned.ids)) / seconds
                cut = (done and not answer.ended and len(answer.ids) == room for answer in answers)
                return Reply(base.text, tuned.text, len(base.ids), len(tuned.ids), speed, done, *cut)

            for _ in self.steps(prompts, answers, TokenSampler(sampling), room, stop):
                yield so_far()
            for answer in answers:
                answer.finish()
            yield so_far(done=True)


class Pairs:
    """The pair in use: loading that of another run frees the memory of the former."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.bases = Bases(workspace)
        """The bases in memory, of the pair and of whoever else takes them from here."""
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._pair: Pair | None = None

    def get(self, run_id: str) -> Pair:
        """The pair of ``run_id``, loaded unless it is the current one and its model is unchanged.

        An answer in progress on the former pair finishes there; its memory is freed after that.
        """
        run = require_model(self.workspace.run(run_id))
        key = _key(run)
        with self._lock:
            if self._key != key:
                self._drop()
                self._pair = Pair.load(run, self.workspace, self.bases)
                self._key = key
            return self._pair

    def has(self, run_id: str) -> bool:
        """True if the pair of ``run_id`` is in memory, and its model is unchanged."""
        return self._key == _key(require_model(self.workspace.run(run_id)))

    def forget(self, run_id: str) -> None:
        """Free the pair's memory if it belongs to ``run_id``."""
        with self._lock:
            if self._key and self._key[0] == run_id:
                self._drop()

    def clear(self) -> None:
        """Free the pair's memory."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        self._key = self._pair = None
        hardware.release_memory()


def _key(run: Run) -> tuple[str, int]:
    """What a pair is kept by: a model that was saved anew is another one."""
    return run.id, run.model_dir.stat().st_mtime_ns


def facts(reply: Reply) -> dict:
    """Both answers as plain values, for a program."""
    return {
        "base": reply.base,
        "tuned": reply.tuned,
        "tokens_per_s": round(reply.tokens_per_s, 1),
        "base_truncated": reply.base_truncated,
        "tuned_truncated": reply.tuned_truncated,
    }


def truncated(reply: Reply) -> list[str]:
    """Which answers did not end by themselves, as one phrase in a list; empty if both did."""
    if reply.base_truncated and reply.tuned_truncated:
        return [f"both truncated at {reply.base_tokens} tokens"]
    cut = (("base", reply.base_truncated, reply.base_tokens), ("tuned", reply.tuned_truncated, reply.tuned_tokens))
    return [f"{name} truncated at {tokens} tokens" for name, is_cut, tokens in cut if is_cut]


def differences(base: str, tuned: str) -> tuple[list[tuple[str, str | None]], list[tuple[str, str | None]]]:
    """Both answers as pieces of text, marked ``"-"`` (only in base), ``"+"`` (only in tuned) or None (in both)."""
    left, right = (re.findall(r"\S+\s*|\s+", text) for text in (base, tuned))
    matcher = difflib.SequenceMatcher(
        None, [word.strip() for word in left], [word.strip() for word in right], autojunk=False
    )
    marked_left, marked_right = [], []
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        same = kind == "equal"
        marked_left.append(("".join(left[start:end]), None if same else "-"))
        marked_right.append(("".join(right[other_start:other_end]), None if same else "+"))
    return [part for part in marked_left if part[0]], [part for part in marked_right if part[0]]
