import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.turns import (
    Keys,
    check_chat,
    exchange,
    has_turns,
    read_turns,
    speakers,
    turn_keys,
    with_reasoning,
    with_system,
)

CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}


def turns(*roles):
    return [{"role": role, "content": f"{n}"} for n, role in enumerate(roles, 1)]


def read(value):
    return read_turns(value, "messages")


def test_an_exchange_is_a_question_and_an_answer():
    assert exchange("q", "a", "s")["messages"] == [
        {"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
    ]  # fmt: skip


def test_a_system_prompt_is_put_before_turns_that_have_none():
    assert with_system(turns("user"), "s")[0] == {"role": "system", "content": "s"}
    assert with_system(turns("system", "user"), "s") == turns("system", "user")
    assert with_system(turns("user"), " ") == with_system(turns("user"), None) == turns("user")


def test_other_keys_of_a_turn_are_left_out_and_text_parts_joined():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert read([{"role": " User", "content": parts, "tool_calls": None}]) == [{"role": "user", "content": "ab"}]


@pytest.mark.parametrize(
    "value, reason",
    [
        (None, 'Column "messages" is empty.'),
        ("hello", 'Column "messages" does not hold a list of turns.'),
        ('[{"role": "user", "content": "\\ud83d"}]', 'Column "messages" holds a list of turns in invalid JSON.'),
        ('[{"role": "user", "role": "tool"}]', 'Column "messages" holds a list of turns in invalid JSON.'),
        ([], 'Column "messages" has no turns.'),
        (["hello"], 'Turn 1 has no "role".'),
        ([{"role": "user", "content": "a"}, {"content": "b"}], 'Turn 2 has no "role".'),
        (
            [{"role": "agent", "content": "a"}],
            '"agent" is an unknown speaker; assign their roles (user, assistant).',
        ),
        ([{"role": "user", "content": " "}], "Turn 1 (user) is empty."),
        ([{"role": "assistant", "content": None, "tool_calls": []}], "Turn 1 (assistant) is empty."),
        (
            [{"role": "assistant", "content": None, "tool_calls": [{}]}],
            "Turn 1 (assistant): the tool call has no name.",
        ),
        (
            [{"role": "assistant", "content": "a", "weight": "high"}],
            'Turn 1 (assistant) has "weight": "high", which is neither a number nor true or false.',
        ),
        ([{"role": "user", "content": 3}], "Turn 1 (user) holds something other than text."),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "Turn 1 (user) holds something other than text."),
    ],
)
def test_a_turn_that_cannot_be_read_is_named(value, reason):
    with pytest.raises(RowError) as error:
        read(value)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "roles, reason",
    [
        (("user",), "It has no answer: no turn is by the assistant."),
        (("system",), "It has no answer: no turn is by the assistant."),
        (("assistant", "user"), "It begins with the assistant; the user must come first."),
        (("system", "assistant"), "It begins with the assistant; the user must come first."),
        (("user", "user"), "Turns 1 and 2 are both by the user; user and assistant must alternate."),
        (
            ("system", "user", "assistant", "assistant"),
            "Turns 3 and 4 are both by the assistant; user and assistant must alternate.",
        ),
        (("user", "tool"), "Turn 2 is a tool result, but turn 1 calls no tool."),
        (("user", "assistant", "tool"), "Turn 3 is a tool result, but turn 2 calls no tool."),
        (("tool", "assistant"), "It begins with the tool; the user must come first."),
        (("user", "assistant", "system"), "Turn 3 is a system prompt, which can only come first."),
    ],
)
def test_roles_out_of_order_are_named(roles, reason):
    with pytest.raises(RowError) as error:
        check_chat(turns(*roles))
    assert str(error.value) == reason


@pytest.mark.parametrize("roles", [("user", "assistant"), ("system", "user", "assistant", "user")])
def test_roles_in_order_pass(roles):
    assert check_chat(turns(*roles)) == turns(*roles)


def test_turns_are_recognized_by_their_keys():
    keys = Keys("role", "content")
    assert has_turns([{"role": "user", "content": "a", "name": "b"}], keys)
    assert has_turns('[{"role": "user", "content": "a"}]', keys)
    assert not has_turns([{"from": "human", "value": "a"}], keys)
    assert not has_turns([], keys) and not has_turns("x", keys) and not has_turns("[", keys)


def test_a_turn_as_json_in_a_text_is_read():
    assert read('[{"role": "user", "content": "a"}]') == [{"role": "user", "content": "a"}]


def test_calls_of_tools_keep_their_numbers_and_their_arguments_become_an_object():
    written = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    old = {"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": '{"a": 1}'}}
    result = {"role": "tool", "content": "2", "tool_call_id": "c1", "weight": None}
    assert read([{"role": "assistant", "content": None, "tool_calls": [written]}, result, old]) == [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", **CALL}]},
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
    ]
    assert read([{"role": "function", "name": "add", "content": "2"}]) == [
        {"role": "tool", "content": "2", "name": "add"}
    ]


def test_the_results_of_tools_are_answered_by_the_assistant():
    calls = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    good = [*turns("user"), calls, *turns("tool", "tool", "assistant", "user", "assistant")]
    assert check_chat(good) == good
    with pytest.raises(RowError, match="the assistant must answer the tool result first"):
        check_chat([*turns("user"), calls, *turns("tool", "user")])


def test_an_answer_of_weight_0_is_marked_and_at_least_one_other_is_required():
    answer = {"role": "assistant", "content": "a", "weight": 0}
    assert read([answer]) == [answer]
    assert read([{**answer, "weight": 1}]) == [{"role": "assistant", "content": "a"}]
    with pytest.raises(RowError, match="all have weight 0"):
        check_chat([*turns("user"), answer])


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_beside_an_answer_comes_before_it(key):
    assert read([{"role": "assistant", "content": "4", key: "2+2\n"}])[0]["content"] == "<think>\n2+2\n</think>\n\n4"
    assert read([{"role": "assistant", "content": "4", key: None}])[0]["content"] == "4"
    assert with_reasoning(" ", "4") == "4"


def test_an_empty_instruction_counts_as_none():
    empty = [{"role": "system", "content": ""}, *turns("user")]
    assert read(empty) == with_system(empty, None) == empty
    assert with_system(empty, "s")[0] == {"role": "system", "content": "s"}


@pytest.mark.parametrize(
    "turn, keys",
    [
        ({"role": "user", "content": "q"}, Keys("role", "content")),
        ({"from": "human", "value": "q"}, Keys("from", "value")),
        ({"Speaker": "Ann", "Text": "q"}, Keys("Speaker", "Text")),
        ({"author": "Ann", "id": "7", "message": "q"}, Keys("author", "message")),
        ({"name": "Ann", "role": "user", "text": "q"}, Keys("role", "text")),
        ({"sender": "bot", "time": "9:00", "words": "a long answer"}, Keys("sender", "words")),
        ({"x": "user", "y": "a longer text"}, Keys("x", "y")),
        ({"x": "Ann", "y": "a longer text"}, None),
        ({"role": "user"}, None),
        ("user", None),
    ],
)
def test_the_keys_of_speaker_and_text_are_recognized(turn, keys):
    assert turn_keys([turn, turn]) == keys
    assert turn_keys([]) is None and turn_keys("x") is None


def test_the_speakers_of_a_column_are_listed_as_written():
    rows = [{"c": [{"who": "Ann ", "text": "q"}, {"who": "Bob", "text": "a"}]}, {"c": None}]
    assert speakers(rows, "c") == ["Ann", "Bob"]
    assert speakers(rows, "d") == []


def test_a_call_after_an_answer_is_part_of_it():
    call = {"role": "function_call", "content": '{"name": "add", "arguments": {"a": 1}}'}
    asked = {"role": "user", "content": "q"}
    assert read([asked, call, call])[1:] == [{"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}]
    assert read([asked, {"role": "assistant", "content": "So."}, call])[1:] == [
        {"role": "assistant", "content": "So.", "tool_calls": [CALL]}
    ]
    assert len(read([asked, {**call, "weight": 0}, call])) == 3
    assert len(read([asked, call, {"role": "assistant", "content": "So."}])) == 3


@pytest.mark.parametrize(
    "call", ['<tool_call>\n{"name": "add"}\n</tool_call>', '<functioncall> {"name": "add"}', "Action: add"]
)
def test_a_call_in_the_text_may_have_a_result(call):
    chat = turns("user", "assistant", "tool", "assistant")
    with pytest.raises(RowError, match="calls no tool"):
        check_chat(chat)
    chat[1]["content"] = call
    assert check_chat(chat) == chat


def test_blocks_of_a_turn_are_calls_and_results():
    blocks = [{"type": "tool_use", "id": "t", "name": "add", "input": {"a": 1}}]
    results = [{"type": "tool_result", "tool_use_id": "t", "content": "2"}, {"type": "text", "text": "And?"}]
    assert read([{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]) == [
        {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "t"}]},
        {"role": "tool", "content": "2", "tool_call_id": "t"},
        {"role": "user", "content": "And?"},
    ]
    with pytest.raises(RowError, match="which only the assistant can"):
        read([{"role": "user", "content": blocks}])


def test_an_object_is_text_as_json():
    assert read([{"role": "assistant", "content": {"a": "é"}}]) == [{"role": "assistant", "content": '{"a": "é"}'}]
