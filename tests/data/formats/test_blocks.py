import pytest

from finetune.data.formats.blocks import Content, content_of, written
from finetune.data.formats.format import RowError

CALL = {"name": "sky", "input": {"town": "Lisbon"}, "id": "t1"}


@pytest.mark.parametrize(
    "value, text",
    [
        (None, ""),
        (" a ", " a "),
        (["a", "b"], "ab"),
        ([{"type": "text", "text": "a"}, "b"], "ab"),
        ([{"text": "a"}, {"text": "b"}], "ab"),
        ([{"type": "text", "value": "a"}], "a"),
        ({"parts": [{"text": "a"}]}, "a"),
        ({"content_type": "text", "parts": ["a"]}, "a"),
        ({"type": "text", "text": "a"}, "a"),
        ([{"type": "output_text", "text": "a", "annotations": []}], "a"),
        ({"item": "é", "type": "order"}, '{"item": "é", "type": "order"}'),
        ([{"item": 1}], '[{"item": 1}]'),
        ({"text": "a", "score": 1}, '{"text": "a", "score": 1}'),
        ([], ""),
    ],
)
def test_the_text_of_a_content(value, text):
    assert content_of(value, "Turn 1") == Content(text)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "reasoning", "text": "Hm."},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "reasoning", "value": "Hm."},
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "x"}}},
        {"text": "Hm.", "thought": True},
    ],
)
def test_reasoning_is_kept_apart_from_the_text(part):
    assert content_of([part, {"type": "text", "text": "a"}], "Turn 1") == Content("a", "Hm.")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", **CALL},
        {"toolUse": CALL},
        {"functionCall": CALL},
        {"type": "tool-call", **CALL},
        {"type": "tool_call", "value": '{"name": "sky", "input": {"town": "Lisbon"}, "id": "t1"}'},
    ],
)
def test_calls_are_collected(part):
    (call,) = content_of([part], "Turn 1").calls
    assert CALL.items() <= call.items()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_result", "tool_use_id": "t1", "content": "clear"},
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "clear"}]},
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "clear"}]}},
        {"type": "function_call_output", "call_id": "t1", "output": "clear"},
        {"type": "tool-result", "toolCallId": "t1", "output": {"type": "text", "value": "clear"}},
    ],
)
def test_results_are_turns_of_the_tool(part):
    assert content_of([part], "Turn 1").results == [{"role": "tool", "content": "clear", "tool_call_id": "t1"}]


def test_a_result_that_is_an_object_is_json():
    (turn,) = content_of([{"functionResponse": {"name": "sky", "response": {"is": "é"}}}], "Turn 1").results
    assert turn == {"role": "tool", "content": '{"is": "é"}', "name": "sky"}
    (turn,) = content_of([{"toolResult": {"content": [{"json": [1]}]}}], "Turn 1").results
    assert turn == {"role": "tool", "content": "[1]"}


@pytest.mark.parametrize(
    "value",
    [3, True, [3], [{"type": "image_url"}], [{"type": "input_audio", "data": "x"}], {"type": "file"},
     [{"type": "text", "text": "a"}, {"type": "video", "url": "x"}], [{"type": "text"}]],
)  # fmt: skip
def test_what_is_no_text_is_refused(value):
    with pytest.raises(RowError, match="Turn 1 holds something other than text."):
        content_of(value, "Turn 1")


def test_text_stays_as_it_is_written():
    assert written('{"a":1}') == '{"a":1}' and written({"a": "é"}) == '{"a": "é"}'
