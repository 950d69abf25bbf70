import pytest

from finetune.data.formats.layouts import has_items, mixed, nested_in, turns_in

TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "value",
    [
        {"role": ["user", "assistant"], "content": ["q", "a"]},
        {"messages": TURNS},
        {"data": 1, "turns": [{"user": "q", "bot": "a"}]},
        {"turn_1": {"Human": "<|Human|>: q<eoh>\n", "MOSS": "<|MOSS|>: a<eom>\n"}},
        [{"human": "q", "assistant": "a"}],
        [{"Input": "q", "Output": "a"}],
        [{"question": "q", "answer": "a"}],
        [{"prompt": "q"}, {"response": "a"}],
        [{"is_user": True, "text": "q"}, {"is_user": False, "text": "a"}],
        [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        '[{"human": "q", "assistant": "a"}]',
    ],
)
def test_each_layout_is_a_list_of_turns(value):
    assert turns_in(value) == TURNS


def test_speakers_stay_as_they_are_written():
    value = [{"from": "human", "value": "q"}, {"role": "assistant", "content": "a"}]
    assert [turn["role"] for turn in turns_in(value)] == ["human", "assistant"]
    assert turns_in({"from": ["human", "gpt"], "value": ["q", "a"]})[1] == {"role": "gpt", "content": "a"}


def test_numbered_turns_are_in_the_order_of_their_numbers():
    value = {f"turn_{number}": {"Human": f"{number}", "MOSS": "a"} for number in (10, 2, 1)}
    assert [turn["content"] for turn in turns_in(value)][::2] == ["1", "2", "10"]


@pytest.mark.parametrize("value", [["q", "a"], [["q", "a"]]])
def test_bare_texts_are_turns_only_in_a_column_named_so(value):
    assert turns_in(value, is_named=True) == TURNS
    assert turns_in(value) is None


def test_other_keys_of_a_pair_belong_to_its_answer():
    assert turns_in([{"system": "s", "input": "q", "output": "a", "loss": False}]) == [
        {"role": "system", "content": "s"}, TURNS[0], {**TURNS[1], "loss": False},
    ]  # fmt: skip
    assert turns_in([{"human": "q", "assistant": ""}]) == TURNS[:1]


def test_turns_within_an_object():
    assert nested_in({"messages": TURNS, "id": 1}) == nested_in({"conversation": TURNS}) == TURNS
    for value in ({"messages": "a"}, {"messages": []}, {"a": TURNS}, TURNS, "a", None):
        assert nested_in(value) is value


def test_items_of_the_responses_api():
    items = [
        {"role": "user", "content": "q"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": "a"},
    ]
    assert has_items(items) and not has_items(TURNS)
    assert mixed(items)[1]["content"] == [items[1], "a"]
    items[2] = {"type": "function_call", "name": "sky", "arguments": "{}"}
    assert mixed(items)[1] == {"role": "assistant", "content": [items[1], items[2]]}


@pytest.mark.parametrize(
    "value",
    [None, 3, "", "text", [], {}, [3], [[]], [{"a": 1}], [{"role": "user"}], [{"name": "Ann", "text": "a"}],
     {"role": ["user"], "content": []}, {"turn_1": {}, "other": {}}, [{"is_user": 1, "text": "q"}], {"messages": 3},
     [{"human": "q"}], [{"question": "q", "options": "a"}], {"messages": "a"}],
)  # fmt: skip
def test_other_values_are_no_conversation(value):
    assert turns_in(value, is_named=True) is None
