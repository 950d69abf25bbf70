import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.openai_preference import OpenAIPreference

USER = {"role": "user", "content": "q"}
GOOD = {"role": "assistant", "content": "good"}
BAD = {"role": "assistant", "content": "bad"}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {}}}
ROW = {
    "input": {"messages": [USER], "tools": [TOOL], "parallel_tool_calls": True},
    "preferred_output": [GOOD],
    "non_preferred_output": [BAD],
}
COLUMNS = {name: name for name in ROW}


def test_both_outputs_reply_to_the_messages_with_their_tools():
    found = OpenAIPreference().recognize(tuple(ROW), [ROW])
    assert found.score == 1.0 and found.columns == COLUMNS
    assert OpenAIPreference().example(ROW, COLUMNS, "s") == {
        "prompt": [{"role": "system", "content": "s"}, USER], "chosen": [GOOD], "rejected": [BAD], "tools": [TOOL],
    }  # fmt: skip


def test_without_tools_there_are_none():
    row = {**ROW, "input": {"messages": [USER], "tools": []}}
    assert "tools" not in OpenAIPreference().example(row, COLUMNS)


def test_a_call_may_be_preferred():
    call = {"type": "function", "function": {"name": "add", "arguments": {}}}
    row = {**ROW, "preferred_output": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    assert OpenAIPreference().example(row, COLUMNS)["chosen"] == [
        {"role": "assistant", "content": "", "tool_calls": [call]}
    ]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"input": "q"}, 'Column "input" does not hold an object with messages.'),
        ({"input": {"messages": [USER, {**GOOD, "content": "else"}]}}, "The prompt does not end with the user."),
        ({"preferred_output": []}, 'Column "preferred_output" has no turns.'),
        (
            {"non_preferred_output": [USER]},
            'Column "non_preferred_output" does not end with an answer by the assistant.',
        ),
    ],
)
def test_a_row_that_is_no_pair_is_refused_with_the_reason(change, reason):
    with pytest.raises(RowError) as error:
        OpenAIPreference().example({**ROW, **change}, COLUMNS)
    assert str(error.value) == reason
