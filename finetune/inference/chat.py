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
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from finetune.errors import ModelError
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.machine.libraries import load
from finetune.models.loading import load_base, load_weights, require_model
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer
from finetune.runs.fingerprint import require_same_base
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

TOP_FIRST = 1024
"""Most likely tokens tried first for ``top_p``: sorting a whole vocabulary takes 10 ms."""


class Sampling(Settings):
    """How answers are sampled: the same for base and tuned."""

    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Decides the random numbers. Equal seeds give equal answers."""
    temperature: float = Field(0.3, ge=0, le=2)
    """Randomness of the sampling. 0: the most likely token; 1: the model's own probabilities; above 1: more random."""
    top_p: float = Field(0.95, gt=0, le=1)
    """Nucleus sampling: sample only from the most likely tokens that together have this probability."""
    max_tokens: int = Field(256, ge=1, le=4096)
    """Longest answer, in tokens."""
    greedy: bool = False
    """Greedy decoding: always take the most likely token, without random numbers."""


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


class Pair:
    """Base and tuned of a finished run, ready to answer."""

    def __init__(self, decoding: Any, tokenizer: Any, end_ids: set[int], context: int, how: Choice):
        self.decoding = decoding
        self.tokenizer = tokenizer
        self.end_ids = end_ids
        """Tokens that end an answer."""
        self.context = context
        """Context length in tokens, for question and answer together."""
        self.how = how
        """Batched or sequential decoding, and why."""
        self.lock = threading.Lock()
        """Held during decoding: the adapter is switched on and off in place."""

    @classmethod
    def load(cls, run: Run, workspace: Workspace) -> "Pair":
        """Base and tuned of ``run``; ``RunError`` if it has no tuned model yet."""
        recipe = require_model(run).recipe
        load()
        machine = hardware.machine()
        dtype = _dtype(hardware.choose_precision(machine, recipe.training.precision).value)
        tokenizer = load_tokenizer(recipe.model, workspace)
        if not tokenizer.chat_template:
            raise ModelError(
                f"The model {recipe.model.id} has no chat template, so it cannot chat.",
                "Train a chat model (often named Instruct or Chat), or set the chat template to ChatML.",
            )
        require_same_base(run, locate(recipe.model, workspace))
        base = load_base(recipe.model, workspace, recipe.adapter, dtype, machine.device)
        if recipe.adapter.trains_base():
            decoding, how = decoding_of_models(base, load_weights(run.model_dir, dtype, machine.device))
        else:
            decoding, how = decoding_of_adapter(_with_adapter(base, run), recipe.adapter)
        return cls(decoding, tokenizer, _end_ids(tokenizer, base), _context(tokenizer, base), how)

    def prompt(self, messages: list[dict]) -> list[int]:
        """The prompt tokens of ``messages``, up to the start of the answer."""
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
        """Both answers as they grow, one ``Reply`` per decoding step; the last one is ``done``.

        Base and tuned may have different histories. Setting ``stop`` ends both answers at the next token. A
        conversation that fills the context raises ``ModelError`` here, before anything is computed.
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
        base, tuned = answers = (AnswerText(self.tokenizer), AnswerText(self.tokenizer))
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
        """The next token of base and tuned per step; None for an answer that has ended."""
        logits, position = self.decoding.prefill(prompts)
        ended = [False, False]
        for step in range(room):
            if stop.is_set():
                return
            tokens = sample(logits)
            ended = [before or token in self.end_ids for before, token in zip(ended, tokens)]
            if all(ended):
                return
            yield tuple(None if has_ended else token for has_ended, token in zip(ended, tokens))
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


class TokenSampler:
    """Samples the next token of each row of logits, with the same random numbers for all rows."""

    def __init__(self, sampling: Sampling):
        import torch

        self.temperature = 0.0 if sampling.greedy else sampling.temperature
        self.top_p = sampling.top_p
        self.generator = torch.Generator().manual_seed(sampling.seed)

    def __call__(self, logits) -> list[int]:
        """Token ids, one for each row of ``logits`` (B, V).

        Exponential race (the Gumbel-max trick): argmax(p / e) with e ~ Exp(1) is token i with probability p_i. All
        rows share e, so rows with equal p get equal tokens.
        """
        import torch

        if self.temperature == 0:
            return [int(row.argmax()) for row in logits]
        noise = torch.empty(logits.shape[-1]).exponential_(generator=self.generator).to(logits.device)
        probabilities = (self._nucleus(row) for row in torch.softmax(logits / self.temperature, dim=-1))
        return [int((probability / noise).argmax()) for probability in probabilities]

    def _nucleus(self, probability):
        """``probability`` (V,) with all tokens outside the nucleus set to 0 (Holtzman et al. 2020, eq. 2)."""
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
class AnswerText:
    """One answer during decoding: its tokens, and the text that they settle."""

    tokenizer: Any
    ids: list[int] = field(default_factory=list)
    text: str = ""
    _start: int = 0
    """First token of the last settled part, decoded again so that spaces between words come out right."""
    _settled: int = 0
    """Tokens whose text is in ``text``."""

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

    def _decode(self, start: int, end: int | None = None) -> str:
        return self.tokenizer.decode(self.ids[start:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)


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
