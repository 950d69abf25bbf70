"""Base and tuned side by side: one question, two answers, and only the training differs.

Both get the same prompt tokens, the same settings and the same random numbers: with sampling, each step draws one set
of random numbers for both. The pair has its own generator, so that it does not disturb the random state of a training
in another thread. The base answers token for token as the untouched model does.
"""

import difflib
import math
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from finetune.errors import ModelError, RunError
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.trial import logits_alone
from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.machine.libraries import load
from finetune.models.loading import load_base, load_weights, require_model, with_adapter
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer, unknown_token
from finetune.models.turn_end import end_ids
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


class Pair:
    """Base and tuned of a finished run, ready to answer."""

    def __init__(
        self, decoding: Any, tokenizer: Any, end_ids: set[int], context: int, how: Choice, vocabulary: float = math.inf
    ):
        self.decoding = decoding
        self.tokenizer = tokenizer
        self.end_ids = end_ids
        """Tokens that end an answer."""
        self.context = context
        """Context length in tokens, for question and answer together."""
        self.how = how
        """Batched or sequential decoding, and why."""
        self.vocabulary = vocabulary
        """Tokens that the model knows."""
        self.lock = threading.Lock()
        """Held during decoding: the adapter is switched on and off in place."""

    @classmethod
    def load(cls, run: Run, workspace: Workspace) -> "Pair":
        """Base and tuned of ``run``; ``RunError`` if it has no tuned model yet."""
        recipe = require_model(run).as_trained
        if recipe.method.makes_scorer:
            raise RunError(
                f"Run {run.id} is a reward model: it rates answers and writes none.",
                "Choose another run to ask, and this one to rate its answers.",
            )
        model = recipe.model
        load()
        machine = hardware.machine()
        dtype = hardware.dtype_of(hardware.choose_precision(machine, recipe.training.precision).value)
        tokenizer = load_tokenizer(model, workspace)

        def another():
            return load_base(model, workspace, recipe.adapter, dtype, machine.device)

        require_same_base(run, locate(model, workspace))
        base = another()
        if recipe.adapter.trains_base():
            decoding, how = decoding_of_models(base, load_weights(run.model_dir, dtype, machine.device))
        else:
            untouched = logits_alone(base)
            tuned = with_adapter(base, run.model_dir, "tuned").eval()
            decoding, how = decoding_of_adapter(tuned, recipe.adapter, another, untouched)
        vocabulary = base.get_input_embeddings().weight.shape[0]
        context = context_of(tokenizer, base) - recipe.adapter.own_positions()
        return cls(decoding, tokenizer, end_ids(tokenizer, base), context, how, vocabulary)

    @property
    def continues_text(self) -> bool:
        """True if there are no turns for want of a chat template: both models continue the text that they are given."""
        return not self.tokenizer.chat_template

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
        longest = max(len(ids) for ids in prompts)
        if longest >= self.context:
            raise ModelError(
                f"The conversation is {longest:,} tokens long, and the model reads at most {self.context:,}.",
                "Start a new conversation, or shorten the question.",
            )
        if fault := unknown_token(chain(*prompts), self.tokenizer, self.vocabulary):
            hint = "Tokenizer and model do not fit: leave it out of the question, or choose another model."
            raise ModelError(fault, hint)
        room = min(sampling.max_tokens, self.context - longest)
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

            for _ in self._steps(prompts, answers, TokenSampler(sampling), room, stop):
                yield so_far()
            for answer in answers:
                answer.finish()
            yield so_far(done=True)

    def _steps(
        self, prompts, answers: "tuple[AnswerText, AnswerText]", sample: TokenSampler, room: int, stop: threading.Event
    ) -> Iterator[None]:
        """One token more of both answers per step, until both have ended or have ``room`` tokens."""
        logits, position = self.decoding.prefill(prompts)
        for step in range(room):
            if stop.is_set():
                return
            tokens = sample(logits, [prompt + answer.ids for prompt, answer in zip(prompts, answers)])
            for answer, token in zip(answers, tokens):
                answer.take(token, self.end_ids)
            yield
            if all(answer.ended for answer in answers):
                return
            if step + 1 < room:
                # An answer that has ended is decoded on beside the other one; its tokens are dropped.
                logits = self.decoding.step(tokens, position)


class Pairs:
    """The pair in use: loading that of another run frees the memory of the former."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._pair: Pair | None = None

    def get(self, run_id: str) -> Pair:
        """The pair of ``run_id``, loaded unless it is the current one and its model is unchanged.

        An answer in progress on the former pair finishes there; its memory is freed after that.
        """
        run = require_model(self.workspace.run(run_id))
        key = (run.id, run.model_dir.stat().st_mtime_ns)
        with self._lock:
            if self._key != key:
                self._drop()
                self._pair = Pair.load(run, self.workspace)
                self._key = key
            return self._pair

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


@dataclass
class AnswerText:
    """One answer during decoding: its tokens, and the text that they settle."""

    tokenizer: Any
    stop: tuple[str, ...] = ()
    """Texts before which the answer ends."""
    ids: list[int] = field(default_factory=list)
    text: str = ""
    ended: bool = False
    """True once the model has ended it, or one of the stop texts has."""
    _start: int = 0
    """First token of the last settled part, decoded again so that spaces between words come out right."""
    _settled: int = 0
    """Tokens whose text is in ``text``."""

    def take(self, token: int, end_ids: set[int]) -> None:
        """The next token, which is none of the answer's if it ends it, or if the answer has ended before."""
        self.ended |= token in end_ids
        if not self.ended:
            self.add(token)
            self.ended = self._stops()

    def add(self, token: int) -> None:
        """Append a token; while it is only part of a character, the text waits."""
        self.ids.append(token)
        before, after = self._decode(self._start, self._settled), self._decode(self._start)
        if len(after) > len(before) and not after.endswith("\ufffd"):
            self.text += after[len(before) :]
            self._start, self._settled = self._settled, len(self.ids)

    def finish(self) -> None:
        """Settle the text; an incomplete character at the end is left out."""
        self.text = self._decode(0).rstrip("\ufffd")
        self._stops()

    def _stops(self) -> bool:
        """Cut the text before the first stop text in it; True if there is one."""
        places = [place for each in self.stop if (place := self.text.find(each)) >= 0]
        if places:
            self.text = self.text[: min(places)]
        return bool(places)

    def _decode(self, start: int, end: int | None = None) -> str:
        return self.tokenizer.decode(self.ids[start:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)


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


def context_of(tokenizer, model) -> int:
    """The context length of a model with its tokenizer, in tokens."""
    limits = (tokenizer.model_max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
    return min(limit for limit in limits if limit)
