import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.turn_mask import masked, with_real_mask

TURNS = [{"role": role, "content": "a"} for role in ("user", "assistant", "user", "assistant")]
COLUMNS = {"messages": "messages", "mask": "loss_mask"}


def left_out(mask, turns=TURNS, **options):
    return [turn.get("loss_mask") for turn in masked(turns, {"loss_mask": mask}, COLUMNS, **options)]


@pytest.mark.parametrize("mask", [[0, 0, 0, 1], [1, 0, 1, 1], [0, 1], [False, True], "[0, 1]", ["0", "1"]])
def test_a_mask_has_a_number_for_each_turn_or_each_answer(mask):
    assert left_out(mask)[1::2] == [0, None]


def test_without_a_mask_the_conversation_is_as_it_is():
    assert masked(TURNS, {"loss_mask": None}, COLUMNS) is TURNS
    assert masked(TURNS, {}, {"messages": "messages"}) is TURNS
    assert masked("text", {"loss_mask": [1]}, COLUMNS) == "text"


def test_answers_are_known_by_the_roles_that_were_assigned():
    turns = [{"who": "Ann", "text": "q"}, {"who": "Bob", "text": "a"}]
    assert left_out([0], turns, roles={"bob": "assistant"}) == [None, 0]


@pytest.mark.parametrize("mask, reason", [
    ([1], 'Column "loss_mask" has 1 values for 4 turns.'),
    (["x", 1], 'Column "loss_mask" does not hold a list of 0 and 1.'),
    ("User", 'Column "loss_mask" does not hold a list of 0 and 1.'),
])  # fmt: skip
def test_another_mask_is_refused_with_the_reason(mask, reason):
    with pytest.raises(RowError) as error:
        left_out(mask)
    assert str(error.value) == reason


def test_a_column_without_lists_is_no_mask():
    assert with_real_mask(COLUMNS, [{"loss_mask": "User"}], {}) == {"messages": "messages"}
    assert with_real_mask(COLUMNS, [{"loss_mask": [1]}], {}) == COLUMNS
    assert with_real_mask(COLUMNS, [{"loss_mask": "User"}], {"mask": "loss_mask"}) == COLUMNS
