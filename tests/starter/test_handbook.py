from random import Random

from finetune.starter.handbook import HOUSE, RULES, paragraph
from finetune.starter.samples import HANDBOOK_ROWS, handbook


def test_held_out_paragraphs_are_apart():
    train, held_out = handbook()
    assert (len(train), len(held_out)) == HANDBOOK_ROWS and len({*train, *held_out}) == sum(HANDBOOK_ROWS)
    assert all(HOUSE in text and "{" not in text for text in train + held_out)


def test_equal_seeds_give_equal_paragraphs_and_a_fact_is_always_the_same():
    assert paragraph(Random(3)) == paragraph(Random(3))
    (lamp,) = [rule for rule in RULES if rule.subject == "lamp"]
    of_lamps = [text for text in handbook()[0] if " the lamp is kept in " in text]
    assert of_lamps and all(f"hall {lamp.hall}, on shelf {lamp.number}." in text for text in of_lamps)
