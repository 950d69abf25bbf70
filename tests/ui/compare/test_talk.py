import pytest

from finetune.inference.panel import Column, Said
from finetune.recipe import Recipe
from finetune.ui.compare.talk import SEEDS, Talk, Turn, title

RUN = "003-pirate-voice"
COLUMNS = (Column(RUN, is_base=True), Column(RUN))
RECIPE = Recipe.from_dict({"data": {"path": "x.jsonl"}})
TALK = Talk(RUN, COLUMNS, (Turn("Hi", said=(Said("Hello."), Said("Ahoy!")), is_done=True),))


def test_each_column_is_asked_after_its_own_answers():
    base, tuned = TALK.asking(RECIPE, Turn("And you?"), "Be brief.").turns[-1].asked
    assert [turn["content"] for turn in base] == ["Be brief.", "Hi", "Hello.", "And you?"]
    assert [turn["content"] for turn in tuned] == ["Be brief.", "Hi", "Ahoy!", "And you?"]


def test_a_turn_and_those_after_it_are_dropped():
    longer = TALK.asking(RECIPE, Turn("And you?"), "")
    assert longer.before(1) == TALK and longer.before(0).turns == ()


def test_a_turn_is_settled_once_it_is_done():
    assert TALK.settled() == TALK and Talk().settled() == Talk()
    assert TALK.asking(RECIPE, Turn("And you?"), "").settled() == TALK


def test_another_answer_has_another_seed():
    assert Turn("Hi", seed=7).next_seed == 8 and Turn("Hi", seed=SEEDS - 1).next_seed == 0


@pytest.mark.parametrize(
    "column, words",
    [
        (Column(RUN, is_base=True), "Base"),
        (Column(RUN), "Tuned"),
        (Column(RUN, 1200), "Step 1,200"),
        (Column("012-other"), "Run 12"),
        (Column("012-other", 40), "Run 12, step 40"),
        (Column("012-other", is_base=True), "Run 12, base"),
    ],
)
def test_a_column_is_named_by_what_it_is(column, words):
    assert title(column, RUN) == words
