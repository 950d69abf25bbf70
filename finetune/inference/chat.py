"""Base and tuned side by side: one question, two answers, and only the training differs.

Both sides get the same tokens, the same settings and the same chance: where words are drawn, each step draws
one set of random numbers for both, from a generator of the pair's own, so neither side is luckier and training
in another thread is not disturbed. The base answers token for token as the untouched model does.
"""

import difflib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from finetune.errors import ModelError
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.machine.libraries import load
from finetune.model import load_base, load_tokenizer, load_weights, require_model
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

TOP_FIRST = 1024
"""How many of the likeliest tokens are looked at first for ``top_p``; sorting a whole vocabulary takes 10 ms."""


class Sampling(Settings):
    """How an answer is drawn; the same for both sides."""

    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Decides the chances; equal seeds give equal answers."""
    temperature: float = Field(0.3, ge=0, le=2)
    """How adventurous the words are: 0 always takes the likeliest, 1 is as the model learnt, above 1 is wilder."""
    top_p: float = Field(0.95, gt=0, le=1)
    """Leaves out the least likely words: only those that together have this share of the chance are drawn. (nucleus)"""
    max_tokens: int = Field(256, ge=1, le=4096)
    """The longest answer, in tokens."""
    greedy: bool = False
    """Always take the likeliest word, so that nothing is left to chance."""


@dataclass(frozen=True)
class Reply:
    """Both answers so far."""

    base: str
    tuned: str
    base_tokens: int
    tuned_tokens: int
    tokens_per_s: float
    """Tokens of both sides over the time since the question."""
    done: bool = False


class Pair:
    """A finished run's model beside its base, ready to answer."""

    def __init__(self, sides: Any, tokenizer: Any, end_ids: set[int], context: int, how: Choice):
        self.sides = sides
        self.tokenizer = tokenizer
        self.end_ids = end_ids
        """Tokens that end an answer."""
        self.context = context
        """Tokens the model can read, question and answer together."""
        self.how = how
        """How the two sides are computed, and why."""
        self.lock = threading.Lock()
        """Held while an answer is written: the model's add-on is switched on and off in place."""

    @classmethod
    def load(cls, run: Run, workspace: Workspace) -> "Pair":
        """The pair of ``run``; ``RunError`` if it has no model yet."""
        recipe = require_model(run).recipe
        load()
        machine = hardware.machine()
        dtype = _dtype(hardware.choose_precision(machine, recipe.training.precision).value)
        tokenizer = load_tokenizer(recipe.model, workspace)
        if not tokenizer.chat_template:
            raise ModelError(
                f"The model {recipe.model.id} has no chat template, so it cannot hold a conversation.",
                "Train a model that was made for chat (often named Instruct or Chat).",
            )
        base = load_base(recipe.model, workspace, recipe.adapter, dtype, machine.device)
        if recipe.adapter.trains_base():
            sides, how = decoding_of_models(base, load_weights(run.model_dir, dtype, machine.device))
        else:
            sides, how = decoding_of_adapter(_with_adapter(base, run), recipe.adapter)
        return cls(sides, tokenizer, _end_ids(tokenizer, base), _context(tokenizer, base), how)

    def prompt(self, messages: list[dict]) -> list[int]:
        """The tokens the model reads for ``messages``, up to where its answer begins."""
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise ModelError(f"The model's chat template refuses this conversation: {error}.") from None
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def reply(
        self,
        base_messages: list[dict],
        tuned_messages: list[dict],
        sampling: Sampling = Sampling(),
        stop: threading.Event | None = None,
    ) -> Iterator[Reply]:
        """Both answers as they grow, one ``Reply`` per step; the last one is ``done``.

        Each side may have its own history. Setting ``stop`` ends both answers at the next token. A conversation that
        leaves no room for an answer raises ``ModelError`` here, before anything is computed.
        """
        prompts = (self.prompt(base_messages), self.prompt(tuned_messages))
        longest = max(len(ids) for ids in prompts)
        if longest >= self.context:
            raise ModelError(
                f"The conversation is {longest:,} tokens long, and the model reads at most {self.context:,}.",
                "Start a new conversation, or shorten the question.",
            )
        room = min(sampling.max_tokens, self.context - longest)
        return self._replies(prompts, sampling, room, stop or threading.Event())

    def _replies(self, prompts, sampling: Sampling, room: int, stop: threading.Event) -> Iterator[Reply]:
        base, tuned = answers = (Answer(self.tokenizer), Answer(self.tokenizer))
        with self.lock:
            began = time.perf_counter()

            def so_far(done: bool = False) -> Reply:
                seconds = max(time.perf_counter() - began, 1e-9)
                speed = (len(base.ids) + len(tuned.ids)) / seconds
                return Reply(base.text, tuned.text, len(base.ids), len(tuned.ids), speed, done)

            for tokens in self._tokens(prompts, TokenSampler(sampling), room, stop):
                for answer, token in zip(answers, tokens):
                    if token is not None:
                        answer.add(token)
                yield so_far()
            for answer in answers:
                answer.finish()
            yield so_far(done=True)

    def _tokens(
        self, prompts, sample: "TokenSampler", room: int, stop: threading.Event
    ) -> Iterator[tuple[int | None, int | None]]:
        """A token of each side per step, None where that side has ended."""
        logits, place = self.sides.begin(prompts)
        ended = [False, False]
        for step in range(room):
            if stop.is_set():
                return
            tokens = sample(logits)
            ended = [was or token in self.end_ids for was, token in zip(ended, tokens)]
            if all(ended):
                return
            yield tuple(None if over else token for over, token in zip(ended, tokens))
            if step + 1 < room:
                # A side that has ended is stepped on with the other, and nobody listens to it.
                logits = self.sides.step(tokens, place)


class Pairs:
    """The pair in use: asking for another run frees the former one's memory."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._pair: Pair | None = None

    def get(self, run_id: str) -> Pair:
        """The pair of ``run_id``, loaded if it is not the last one used or was trained on since.

        An answer under way on the former pair finishes there; its memory is freed after that.
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
        """Free the pair's memory if it is that of ``run_id``."""
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


class TokenSampler:
    """The next token of each row of logits, with the same chances for all rows."""

    def __init__(self, sampling: Sampling):
        import torch

        self.temperature = 0.0 if sampling.greedy else sampling.temperature
        self.top_p = sampling.top_p
        self.generator = torch.Generator().manual_seed(sampling.seed)

    def __call__(self, logits) -> list[int]:
        """Token ids, one for each row of ``logits`` (B, V).

        Exponential races: the first arrival of clocks with rates p is token i with probability p_i, i.e.
        argmax(p / e) for e ~ Exp(1). All rows share e, so rows with equal p draw equal tokens.
        """
        import torch

        if self.temperature == 0:
            return [int(row.argmax()) for row in logits]
        noise = torch.empty(logits.shape[-1]).exponential_(generator=self.generator).to(logits.device)
        probabilities = (self._nucleus(row) for row in torch.softmax(logits / self.temperature, dim=-1))
        return [int((probability / noise).argmax()) for probability in probabilities]

    def _nucleus(self, probability):
        """``probability`` (V,) with the tail beyond ``top_p`` set to 0 (Holtzman et al. 2020, eq. 2)."""
        import torch

        if self.top_p == 1:
            return probability
        highest = probability.topk(min(TOP_FIRST, len(probability))).values
        if highest.sum() < self.top_p:
            highest = probability.sort(descending=True).values
        before = highest.cumsum(0) - highest
        least = highest[before < self.top_p][-1]
        return torch.where(probability >= least, probability, 0)


@dataclass
class Answer:
    """One side's answer while it is written: its tokens, and the text that they settle."""

    tokenizer: Any
    ids: list[int] = field(default_factory=list)
    text: str = ""
    _start: int = 0
    """First token of the last settled stretch, decoded again so that spaces between words come out right."""
    _settled: int = 0
    """Tokens whose text is in ``text``."""

    def add(self, token: int) -> None:
        """One more token; the text waits while the token is only part of a character."""
        self.ids.append(token)
        known, longer = self._decode(self._start, self._settled), self._decode(self._start)
        if len(longer) > len(known) and not longer.endswith("\ufffd"):
            self.text += longer[len(known) :]
            self._start, self._settled = self._settled, len(self.ids)

    def finish(self) -> None:
        """Settle the text; a character that was cut off in the middle is left out."""
        self.text = self._decode(0).rstrip("\ufffd")

    def _decode(self, start: int, end: int | None = None) -> str:
        return self.tokenizer.decode(self.ids[start:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)


def differences(base: str, tuned: str) -> tuple[list[tuple[str, str | None]], list[tuple[str, str | None]]]:
    """Both answers as stretches of text, marked ``"-"`` (only the base's), ``"+"`` (only the tuned's) or None."""
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


def _with_adapter(base, run: Run):
    from peft import PeftModel

    return PeftModel.from_pretrained(base, run.model_dir, adapter_name="tuned").eval()


def _dtype(precision: str):
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def _end_ids(tokenizer, model) -> set[int]:
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {token for token in (*ends, tokenizer.eos_token_id) if token is not None}


def _context(tokenizer, model) -> int:
    limits = (tokenizer.model_max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
    return min(limit for limit in limits if limit)
