import json

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.function_calls import FunctionCalls

CALLS = [{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": {"a": 2}}]
TOOLS = [{"name": "add", "description": "d", "parameters": {"a": {"type": "int"}}}]


@pytest.mark.parametrize("write", [json.dumps, lambda value: value])
def test_calls_are_the_answer(write):
    row = {"id": 1, "query": "Add 1 and 2.", "answers": write(CALLS), "tools": write(TOOLS)}
    found = FunctionCalls().recognize(tuple(row), [row])
    assert found.score == 1.0
    example = FunctionCalls().example(row, found.columns, "s")
    system, user, answer = example["messages"]
    assert (system["content"], user["content"], answer["content"]) == ("s", "Add 1 and 2.", "")
    assert [call["function"] for call in answer["tool_calls"]] == CALLS
    assert [tool["function"] for tool in example["tools"]] == TOOLS


def test_without_functions_or_calls_it_is_another_format():
    assert FunctionCalls().recognize(("query", "answers"), [{"query": "Why?", "answers": "So."}]) is None
    row = {"query": "Why?", "answers": "So.", "tools": TOOLS}
    assert FunctionCalls().recognize(tuple(row), [row]).score == 0
    with pytest.raises(RowError, match='Column "answers" holds no function calls'):
        FunctionCalls().example(row, {"query": "query", "calls": "answers", "tools": "tools"})
