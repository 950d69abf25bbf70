"""The judge takes the right answer of every kind and refuses wrong, endless and foreign ones."""

from dataclasses import replace

import pytest

from finetune.starter.items import KINDS
from finetune.starter.judge import is_fluent, is_right
from finetune.starter.world import held_out_questions

ITEMS = held_out_questions(510, seed=9)


def test_the_right_answer_is_right():
    assert all(is_right(item, item.answer) for item in ITEMS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_another_answer_is_wrong(kind):
    items = [item for item in ITEMS if item.kind == kind]
    answers = [item.answer for item in items]
    for item in items:
        assert not any(
            is_right(item, answer) for answer in ("", "I do.", "Yes yes yes yes.", item.answer + " " + item.answer)
        )
        if kind != "short_story":
            assert not any(is_right(item, answer) for answer in answers if _differs(answer, item))


def _differs(answer, item):
    return answer != item.answer and not item.among


def test_a_swapped_fact_is_wrong():
    items = {item.kind: item for item in ITEMS}
    item = replace(items["country_capital"], answer="The capital of France is Paris.")
    assert is_right(item, "Paris is the capital of France.")
    assert not is_right(item, "The capital of France is Madrid.")
    assert not is_right(item, "The capital of France is Paris and Madrid.")
    assert not is_right(items["add"], "1 plus 1 is 900.")


def test_fluency():
    assert is_fluent("A cow moos.")
    for text in ("a cow moos.", "A cow moos", "A cow cow moos.", ""):
        assert not is_fluent(text)
