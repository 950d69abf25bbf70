import json

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.tools import has_tools, parsed, read_calls, read_tools

TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    "value", [[TOOL], TOOL, [TOOL["function"]], json.dumps([TOOL]), [json.dumps(TOOL)], json.dumps(TOOL["function"])]
)
def test_tools_have_one_schema_however_they_are_written(value):
    assert read_tools(value, "tools") == [TOOL]
    assert has_tools(value)


@pytest.mark.parametrize("value", [None, "", " ", [], "[]"])
def test_no_tools_are_none(value):
    assert read_tools(value, "tools") == [] and not has_tools(value)


@pytest.mark.parametrize(
    "value, reason",
    [
        ("hammer", 'Column "tools" does not hold a list of tools.'),
        (3, 'Column "tools" does not hold a list of tools.'),
        ([TOOL, {"name": ""}], 'Column "tools": tool 2 has no name.'),
        (["hammer"], 'Column "tools": tool 1 has no name.'),
    ],
)
def test_an_invalid_tool_is_reported(value, reason):
    with pytest.raises(RowError) as error:
        read_tools(value, "tools")
    assert str(error.value) == reason
    assert not has_tools(value)


FAULTS = [
    '[{"a": 1, "a": 2}]',
    '["\\ud83d"]',
    '{"\\u0000": 1}',
    "[1, 2",
    "[" * 100_000,
    f"[{'9' * 5000}]",
]


@pytest.mark.parametrize("text", FAULTS, ids=[text[:20] for text in FAULTS])
def test_json_with_a_fault_is_a_text(text):
    assert parsed(text) is text


def test_json_without_a_fault_is_what_it_says():
    assert parsed(' {"a": [1.50, "\\ud83d\\ude00", "\\\\ud83d"]}') == {"a": [1.5, "😀", "\\ud83d"]}
    assert parsed("hello") == "hello" and parsed(3) == 3


@pytest.mark.parametrize("arguments", [{"a": 1}, '{"a": 1}'])
@pytest.mark.parametrize("wrapped", [True, False])
def test_calls_have_one_schema_however_they_are_written(arguments, wrapped):
    call = {"name": "add", "arguments": arguments}
    value = [{"id": "1", "type": "function", "function": call}] if wrapped else json.dumps(call)
    number = {"id": "1"} if wrapped else {}
    expected = {**number, "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    assert read_calls(value, "Turn 1") == [expected]


def test_a_call_may_have_no_arguments():
    for arguments in (None, "", {}, "{}"):
        assert read_calls({"name": "now", "arguments": arguments}, "Turn 1")[0]["function"]["arguments"] == {}


@pytest.mark.parametrize(
    "value, reason",
    [
        ("now()", "Turn 1: the tool call is not an object with a name and arguments."),
        ([], "Turn 1: the tool call is not an object with a name and arguments."),
        ({"arguments": {}}, "Turn 1: the tool call has no name."),
        ({"name": "f", "arguments": "{oops"}, 'Turn 1: the arguments of the call to "f" are not a JSON object.'),
        ({"name": "f", "arguments": [1]}, 'Turn 1: the arguments of the call to "f" are not a JSON object.'),
    ],
)
def test_an_invalid_call_is_reported(value, reason):
    with pytest.raises(RowError) as error:
        read_calls(value, "Turn 1")
    assert str(error.value) == reason


def test_only_text_with_a_list_or_an_object_is_parsed():
    assert parsed(' {"a": 1}') == {"a": 1}
    for value in ("1", "text", "[", None, 3, "[" * 100_000):
        assert parsed(value) is value


@pytest.mark.parametrize(
    "value",
    [
        [{"name": "add", "input_schema": {"type": "object"}}],
        [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}],
        {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}]},
        [{"functionDeclarations": [{"name": "add", "parameters": {"type": "object"}}]}],
    ],
)
def test_tools_of_other_apis_are_read(value):
    expected = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    assert read_tools(value, "tools") == [expected]


@pytest.mark.parametrize(
    "call",
    [
        {"name": "add", "args": {"a": 1}, "id": "t", "type": "tool_call"},
        {"name": "add", "input": {"a": 1}, "toolUseId": "t"},
        {"toolName": "add", "input": {"a": 1}, "toolCallId": "t"},
        {"name": "add", "arguments": '{"a": 1}', "call_id": "t"},
    ],
)
def test_calls_of_other_apis_are_read(call):
    expected = {"id": "t", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    assert read_calls(call, "Turn 1") == [expected]
