"""An item knows its question, its combination and its talk; drawing keeps to one side of the split."""

from random import Random

import pytest

from finetune.starter.items import Item, draw, system, user
from finetune.starter.split import is_held_out
from finetune.starter.world import KINDS


def test_question_and_conversation():
    item = Item("k", (system("s"), user("q")), "a")
    assert item.question == "q"
    assert [turn["role"] for turn in item.conversation] == ["system", "user", "assistant"]
    assert item.combination == "k|s q"


@pytest.mark.parametrize("held_out", [True, False])
def test_draw_keeps_to_its_side(held_out):
    rng = Random(3)
    assert all(is_held_out(draw(rng, held_out).combination) == held_out for _ in range(500))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_many_wordings(kind):
    rng = Random(5)
    questions = {str(draw(rng, kinds=(kind,)).messages) for _ in range(300)}
    assert len(questions) >= 50, questions
