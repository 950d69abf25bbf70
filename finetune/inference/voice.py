"""Models that answer in one decoding: base and tuned of a run, or one model alone."""

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from finetune.errors import ModelError
from finetune.inference.sampling import TokenSampler
from finetune.inference.untouched import Untouched
from finetune.machine.hardware import Choice
from finetune.models.tokenizer import unknown_token


class Voice:
    """One row of a decoding for each of its models, ready to answer."""

    def __init__(
        self,
        decoding: Any,
        tokenizers: Sequence[Any],
        end_ids: set[int],
        context: int,
        how: Choice,
        vocabulary: float = math.inf,
        untouched: Untouched | None = None,
        is_known_base: bool = True,
    ):
        self.decoding = decoding
        self.tokenizers = tuple(tokenizers)
        """The tokenizer of each row."""
        self.end_ids = end_ids
        """Tokens that end an answer."""
        self.context = context
        """Context length in tokens, for question and answer together."""
        self.how = how
        """How it is decoded, and why."""
        self.vocabulary = vocabulary
        """Tokens that the model knows."""
        self.untouched = untouched
        """The base that the models are made from, as it was loaded."""
        self.is_known_base = is_known_base
        """False if the run recorded no fingerprint of its base, so that it goes by the name of the model alone."""
        self.lock = threading.Lock()
        """Held during decoding: the adapter is switched on and off in place."""

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of the first row."""
        return self.tokenizers[0]

    @property
    def continues_text(self) -> bool:
        """True if there are no turns for want of a chat template: the models continue the text that they are given."""
        return not self.tokenizer.chat_template

    def room(self, prompts: Sequence[list[int]]) -> int:
        """Tokens of the context that are left for an answer to the longest of ``prompts``.

        ``ModelError`` if there are none, or if a prompt has a token that the model does not know.
        """
        longest = max(len(ids) for ids in prompts)
        if longest >= self.context:
            raise ModelError(
                f"The conversation is {longest:,} tokens long, and the model reads at most {self.context:,}.",
                "Start a new conversation, or shorten the question.",
            )
        if fault := unknown_token(chain(*prompts), self.tokenizer, self.vocabulary):
            hint = "Tokenizer and model do not fit: leave it out of the question, or choose another model."
            raise ModelError(fault, hint)
        return self.context - longest

    def steps(
        self,
        prompts: Sequence[list[int]],
        answers: "Sequence[AnswerText]",
        sample: TokenSampler,
        room: int,
        stop: threading.Event,
    ) -> Iterator[None]:
        """One token more of each answer per step, until all have ended or have ``room`` tokens."""
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
