"""One answer, as pieces of text that are settled: what a stop text could still take away waits."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.voice import AnswerText, Voice

Finish = Literal["stop", "length"]
"""Why an answer ended: the model or a stop text ended it; or it was as long as it may be, or its context was full."""


@dataclass(frozen=True)
class Piece:
    """The next text of an answer."""

    text: str
    tokens: int
    """Tokens of the answer so far, without the one that ends it."""
    finish: Finish | None = None
    """Why the answer ended, of its last piece."""


def pieces(
    voice: Voice, prompt: list[int], sampling: Sampling, most: int | None, stop: threading.Event
) -> Iterator[Piece]:
    """The answer to ``prompt``, of at most ``most`` tokens; the last piece says why it ended.

    Setting ``stop`` ends it at the next token. The caller holds the lock of ``voice``.
    """
    answer, shown = AnswerText(voice.tokenizer, sampling.stop), 0
    left = voice.room([prompt])
    room = min(most or left, left)
    for _ in voice.steps([prompt], [answer], TokenSampler(sampling), room, stop):
        settled = len(answer.text) - held(answer.text, sampling.stop)
        if settled > shown and not answer.ended:
            yield Piece(answer.text[shown:settled], len(answer.ids))
            shown = settled
    answer.finish()
    yield Piece(answer.text[shown:], len(answer.ids), "stop" if answer.ended else "length")


def held(text: str, stops: Sequence[str]) -> int:
    """The length of the longest end of ``text`` with which one of ``stops`` begins."""
    lengths = (size for stop in stops for size in range(1, min(len(stop), len(text) + 1)) if text.endswith(stop[:size]))
    return max(lengths, default=0)
