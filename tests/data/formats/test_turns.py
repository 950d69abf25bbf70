import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.turns import check_chat, exchange, has_turns, read_turns, with_system

ROLES = {"system": "system", "user": "user", "assistant": "assistant"}


def turns(*roles):
    return [{"role": role, "content": f"{n}"} for n, role in enumerate(roles, 1)]


def read(value):
    return read_turns(value, "messages", "role", "content", ROLES)


def test_an_exchange_is_a_question_and_an_answer():
    assert exchange("q", "a", "s")["messages"] == [
        {"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
    ]  # fmt: skip


def test_an_instruction_is_put_before_turns_that_have_none():
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
        ("hello", 'Column "messages" holds no list of turns.'),
        ([], 'Column "messages" has no turns.'),
        (["hello"], 'Turn 1 has no "role".'),
        ([{"role": "user", "content": "a"}, {"content": "b"}], 'Turn 2 has no "role".'),
        (
            [{"role": "tool", "content": "a"}],
            'Turn 1 has the role "tool"; system, user and assistant can be learnt from.',
        ),
        ([{"role": "user", "content": " "}], "Turn 1 (user) is empty."),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "Turn 1 (assistant) is empty."),
        ([{"role": "user", "content": 3}], "Turn 1 (user) holds something else than text."),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "Turn 1 (user) holds something else than text."),
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
        (("assistant", "user"), "It begins with the assistant; the user has to speak first."),
        (("system", "assistant"), "It begins with the assistant; the user has to speak first."),
        (("user", "user"), "Turns 1 and 2 are both by the user; the two have to take turns."),
        (
            ("system", "user", "assistant", "assistant"),
            "Turns 3 and 4 are both by the assistant; the two have to take turns.",
        ),
        (("user", "assistant", "system"), "Turn 3 is an instruction (system); it can only come first."),
    ],
)
def test_roles_out_of_order_are_named(roles, reason):
    with pytest.raises(RowError) as error:
        check_chat(turns(*roles))
    assert str(error.value) == reason


@pytest.mark.parametrize("roles", [("user", "assistant"), ("system", "user", "assistant", "user")])
def test_roles_in_order_pass(roles):
    assert check_chat(turns(*roles)) == turns(*roles)


def test_turns_are_told_by_their_keys():
    assert has_turns([{"role": "user", "content": "a", "name": "b"}], "role", "content")
    assert not has_turns([{"from": "human", "value": "a"}], "role", "content")
    assert not has_turns([], "role", "content") and not has_turns("x", "role", "content")
