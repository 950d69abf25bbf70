"""The shapes of OpenAI's API: an answer as one object, and as the chunks of a stream (server-sent events)."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from finetune.serving.answer import Piece
from finetune.serving.parameters import Kind

DONE = b"data: [DONE]\n\n"
"""The end of a stream."""


@dataclass(frozen=True)
class Wire:
    """What all objects of one answer share."""

    kind: Kind
    model: str
    prompt_tokens: int
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, last: Piece) -> dict:
        """The answer as one object."""
        if self.kind == "chat":
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": last.finish}
            return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage(last.tokens)}
        return {**self._head("text_completion"), "choices": [self._text(last, text)], "usage": self.usage(last.tokens)}

    def first(self) -> list[dict]:
        """The chunk before the first text: of a chat, with the role."""
        return [self._chunk({"role": "assistant", "content": ""})] if self.kind == "chat" else []

    def chunks(self, piece: Piece) -> list[dict]:
        """The chunks of one piece: its text, and why the answer ended."""
        if self.kind == "text":
            return [{**self._head("text_completion"), "choices": [self._text(piece, piece.text)]}]
        found = [self._chunk({"content": piece.text})] if piece.text else []
        return [*found, *([self._chunk({}, piece.finish)] if piece.finish else [])]

    def counted(self, last: Piece) -> dict:
        """The chunk with the counts of tokens."""
        name = "chat.completion.chunk" if self.kind == "chat" else "text_completion"
        return {**self._head(name), "choices": [], "usage": self.usage(last.tokens)}

    def usage(self, tokens: int) -> dict[str, int]:
        """Tokens of the prompt, of the answer without the one that ends it, and of both."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def _chunk(self, delta: dict, finish: str | None = None) -> dict:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, name: str) -> dict[str, Any]:
        prefix = "chatcmpl" if self.kind == "chat" else "cmpl"
        return {"id": f"{prefix}-{self.id}", "object": name, "created": self.created, "model": self.model}

    @staticmethod
    def _text(piece: Piece, text: str) -> dict:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": piece.finish}


def event(facts: dict) -> bytes:
    """``facts`` as one event of a stream."""
    return b"data: " + json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
