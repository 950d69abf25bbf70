import json

import pytest

from finetune.data.formats.rewriting import Rewriting, rewritten
from finetune.data.formats.turns import Keys

TURNS = [{"who": "Ann", "text": "q"}, {"who": "bot", "text": "a"}]
ROLES = {"ann": "user"}


def shout(turns):
    return [{**turn, turns.keys.text: turn[turns.keys.text].upper()} for turn in turns.written]


@pytest.mark.parametrize("value", [
    [{"role": "user", "content": "q"}], [{"from": "human", "value": "q"}],
    json.dumps([{"role": "user", "content": "q"}]), {"tools": [], "messages": [{"role": "user", "content": "q"}]},
])  # fmt: skip
def test_a_conversation_is_changed_in_its_own_spelling(value):
    changed = rewritten({"a": value, "b": "q"}, shout)
    assert changed["b"] == "q" and type(changed["a"]) is type(value)
    assert json.dumps(changed["a"]) == json.dumps(value).replace("q", "Q")


def test_only_what_changes_is_changed():
    assert rewritten({"a": TURNS, "b": "x", "c": [1], "d": None}, lambda turns: list(turns.written)) is None
    assert rewritten({"a": [{"role": "user", "content": "q"}]}, shout, only=["b"]) is None


def test_other_layouts_become_turns():
    changed = rewritten({"a": [{"human": "q", "assistant": "a"}]}, shout)
    assert changed["a"] == [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]


def test_speakers_have_the_roles_that_were_assigned():
    turns = Rewriting(TURNS, Keys("who", "text"), ROLES)
    assert [turns.role(turn) for turn in TURNS] == ["user", "assistant"]
    assert turns.turn("user", "Hi.") == {"who": "Ann", "text": "Hi."}
    assert turns.turn("system", "Hi.") == {"who": "system", "text": "Hi."}
    assert Rewriting(TURNS, Keys("who", "text"), None).role(TURNS[0]) == "Ann"


def test_turns_are_joined_by_their_texts():
    turns = Rewriting(TURNS, Keys("who", "text"), ROLES)
    system = {"who": "system", "text": " s ", "id": 1}
    assert turns.join(system, TURNS[0]) == {"who": "Ann", "text": "s\n\nq"}
    assert turns.join(TURNS[0], {**TURNS[0], "id": 2, "text": None}) == {"who": "Ann", "text": "q", "id": 2}
    assert turns.can_join(TURNS[0], TURNS[0]) and not turns.can_join(*TURNS)
    assert not turns.can_join(TURNS[1], {**TURNS[1], "weight": 0})
    assert not turns.can_join(TURNS[1], {**TURNS[1], "text": ["a"]})
