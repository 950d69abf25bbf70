import pytest

from finetune.data.formats.chat import Chat
from finetune.data.formats.format import RowError

TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize("column", ["messages", "conversations", "whatever"])
def test_it_is_recognized_by_the_keys_of_the_turns(column):
    found = Chat().recognize(("id", column), [{"id": 1, column: None}, {"id": 2, column: TURNS}])
    assert found.columns == {"messages": column} and found.score == 0.5
    assert "conversations (turns with role and content) in 1 of 2" in found.reason


def test_other_schemas_are_not_recognized():
    rows = [{"messages": [{"from": "human", "value": "q"}]}, {"messages": "hello"}]
    assert Chat().recognize(("messages",), rows) is None


def test_a_row_becomes_its_messages_with_the_system_prompt_first():
    row = {"messages": [{"role": "developer", "content": "d"}, *TURNS]}
    assert Chat().example(row, {"messages": "messages"}, "s")["messages"] == [
        {"role": "system", "content": "d"},
        *TURNS,
    ]
    with_own = {"messages": TURNS, "sys": "own"}
    assert Chat().example(with_own, {"messages": "messages", "system": "sys"}, "s")["messages"][0]["content"] == "own"
    assert Chat().example({"messages": TURNS}, {"messages": "messages"}, "s")["messages"][0]["content"] == "s"


def test_a_row_without_an_answer_is_refused():
    with pytest.raises(RowError, match="no answer"):
        Chat().example({"messages": TURNS[:1]}, {"messages": "messages"})


def test_turns_up_to_a_question_in_a_column_called_prompt_are_no_conversation():
    asked = [*TURNS, {"role": "user", "content": "And why?"}]
    assert Chat().recognize(("prompt",), [{"prompt": asked}, {"prompt": TURNS[:1]}]) is None
    assert Chat().recognize(("prompt",), [{"prompt": asked}, {"prompt": TURNS}]).columns == {"messages": "prompt"}
    assert Chat().recognize(("messages",), [{"messages": asked}]).columns == {"messages": "messages"}


def test_a_persons_choice_of_column_stands():
    assert Chat().find(("messages", "other"), [{"messages": TURNS}], {"messages": "other"}) == {"messages": "other"}


TOOL = {"type": "function", "function": {"name": "add", "parameters": {}}}


@pytest.mark.parametrize("column", ["tools", "functions"])
def test_tools_go_with_their_conversation(column):
    row = {"messages": TURNS, column: [TOOL if column == "tools" else TOOL["function"]]}
    found = Chat().recognize(tuple(row), [row])
    assert found.columns == {"messages": "messages", "tools": column}
    assert Chat().example(row, found.columns) == {"messages": TURNS, "tools": [TOOL]}
    assert Chat().example({**row, column: None}, found.columns) == {"messages": TURNS}


def test_a_column_that_is_only_named_tools_is_ignored():
    row = {"messages": TURNS, "tools": "hammer"}
    found = Chat().recognize(tuple(row), [row])
    assert found.score == 1.0 and found.columns == {"messages": "messages"}


def test_speakers_can_be_mapped():
    row = {"messages": [{"role": "Customer", "content": "q"}, {"role": "assistant", "content": "a"}]}
    assert Chat().example(row, {"messages": "messages"}, roles={"customer": "user"}) == {"messages": TURNS}
