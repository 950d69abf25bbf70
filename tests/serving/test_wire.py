"""The shapes, read by the models of the official client."""

import json

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from finetune.serving.answer import Piece
from finetune.serving.wire import Wire, event

LAST = Piece("!", 4, "stop")


@pytest.mark.parametrize(
    ("kind", "whole", "chunk"), [("chat", ChatCompletion, ChatCompletionChunk), ("text", Completion, Completion)]
)
def test_an_answer_is_what_the_client_expects(kind, whole, chunk):
    wire = Wire(kind, "m", 7)
    answer = whole.model_validate(wire.whole("Arr!", LAST), strict=True)
    assert answer.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11,
    }  # fmt: skip
    given = [*wire.first(), *wire.chunks(Piece("Arr", 3)), *wire.chunks(LAST), wire.counted(LAST)]
    unfinished = [
        each for each in given if kind == "text" and each["choices"] and not each["choices"][0]["finish_reason"]
    ]
    chunks = [chunk.model_validate(each, strict=True) for each in given if each not in unfinished]
    assert {each["id"] for each in given} == {answer.id} and chunks[-1].usage == answer.usage
    assert chunks[-2].choices[0].finish_reason == "stop"
    # The client's type of a text knows no null here, which OpenAI's own server sends until the text has ended.
    assert [each["choices"][0]["text"] for each in unfinished] == ([] if kind == "chat" else ["Arr"])


def test_each_answer_has_an_id_of_its_own():
    assert Wire("chat", "m", 1).id != Wire("chat", "m", 1).id


def test_an_event_is_one_line_whatever_the_text():
    sent = event({"text": "a\n\nb\r🙂"})
    assert sent.startswith(b"data: {") and sent.endswith(b"}\n\n") and sent.count(b"\n") == 2 and b"\r" not in sent
    assert json.loads(sent.removeprefix(b"data: ")) == {"text": "a\n\nb\r🙂"}
