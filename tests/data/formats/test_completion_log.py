import json

import pytest

from finetune.data.formats import FORMATS
from finetune.data.formats.completion_log import CompletionLog
from finetune.data.formats.format import RowError

ASKED = [{"role": "user", "content": "q"}]
TURNS = [*ASKED, {"role": "assistant", "content": "a"}]
CHOICES = {"choices": [{"index": 0, "message": TURNS[1], "finish_reason": "stop"}]}


def read(request, response, **row):
    row = {"request": request, "response": response, **row}
    form = FORMATS["completion_log"]
    return form.example(row, form.recognize(tuple(row), [row]).columns)


@pytest.mark.parametrize(
    "request_, response",
    [
        ({"model": "m", "messages": ASKED}, CHOICES),
        (ASKED, CHOICES),
        ({"input": "q"}, {"output": [{"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "a"}]}]}),
        ({"messages": ASKED}, {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]}),
        ({"contents": [{"role": "user", "parts": [{"text": "q"}]}]},
         {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}}]}),
        ({"messages": [{"role": "user", "content": [{"text": "q"}]}]},
         {"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}}}),
        (json.dumps({"messages": ASKED}), json.dumps(CHOICES)),
    ],
)  # fmt: skip
def test_requests_and_responses_of_each_api(request_, response):
    assert read(request_, response) == {"messages": TURNS}


@pytest.mark.parametrize("key", ["system", "instructions", "systemInstruction"])
def test_the_system_prompt_is_in_the_request_or_beside_it(key):
    system = {"role": "system", "content": "s"}
    assert read({"messages": ASKED, key: "s"}, CHOICES)["messages"][0] == system
    assert read({"messages": ASKED, key: {"parts": [{"text": "s"}]}}, CHOICES)["messages"][0] == system
    assert read({"messages": ASKED}, CHOICES, system="s")["messages"][0] == system


def test_tools_are_in_the_request():
    tool = {"name": "sky", "inputSchema": {"json": {"type": "object"}}}
    found = read({"messages": ASKED, "toolConfig": {"tools": [{"toolSpec": tool}]}}, CHOICES)["tools"]
    assert found == [{"type": "function", "function": {"name": "sky", "parameters": {"type": "object"}}}]


def test_other_columns_of_these_names_are_no_log():
    for row in ({"request": "q", "response": "a"}, {"input": ASKED, "output": TURNS[1]}, {"prompt": "q"}):
        assert CompletionLog().recognize(tuple(row), [row]) is None


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"request": {"model": "m"}, "response": CHOICES}, 'Column "request" holds no messages.'),
        ({"request": ASKED, "response": {"error": "busy"}}, 'Column "response" holds no answer.'),
        ({"request": ASKED, "response": {"choices": []}}, 'Column "response" holds no answer.'),
        ({"request": TURNS, "response": CHOICES},
         "Turns 2 and 3 are both by the assistant; user and assistant must alternate."),
    ],
)  # fmt: skip
def test_a_failed_request_is_refused_with_the_reason(row, reason):
    with pytest.raises(RowError) as error:
        CompletionLog().example(row, {"request": "request", "response": "response"})
    assert str(error.value) == reason
