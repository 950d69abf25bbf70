import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.sharegpt import ShareGPT

ROW = {"id": "1", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}


def test_it_is_recognized_by_from_and_value():
    assert ShareGPT().recognize(("id", "conversations"), [ROW]).columns == {"messages": "conversations"}
    assert ShareGPT().recognize(("id",), [{"id": [{"role": "user", "content": "q"}]}]) is None


def test_its_roles_become_those_that_templates_know():
    assert ShareGPT().example(ROW, {"messages": "conversations"}) == {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    }


def test_unknown_speakers_are_named_and_can_be_mapped():
    row = {"conversations": [{"from": "Customer", "value": "q"}, {"from": "agent", "value": "a"}]}
    with pytest.raises(RowError, match='"Customer", "agent" are unknown speakers'):
        ShareGPT().example(row, {"messages": "conversations"})
    explained = ShareGPT().example(row, {"messages": "conversations"}, roles={"customer": "User", "Agent": "assistant"})
    assert explained == ShareGPT().example(ROW, {"messages": "conversations"})


def test_functions_are_called_and_observed():
    turns = [
        {"from": "human", "value": "Weather in Rome?"},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Rome"}}'},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": "It is sunny."},
    ]
    row = {"conversations": turns, "tools": '[{"name": "weather", "parameters": {}}]', "system": "s"}
    found = ShareGPT().recognize(tuple(row), [row])
    example = ShareGPT().example(row, found.columns)
    assert found.score == 1.0 and found.columns["tools"] == "tools"
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
    assert example["messages"][2:] == [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "sunny"},
        {"role": "assistant", "content": "It is sunny."},
    ]
    assert example["tools"] == [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
