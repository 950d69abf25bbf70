"""The world's promises: nothing held out is trained on, equal seeds give equal questions, and it is quick to begin."""

import subprocess
import sys
from itertools import islice
from random import Random

from finetune.starter.chats import FACTS, SINGLE
from finetune.starter.split import is_held_out
from finetune.starter.world import KINDS, conversations, held_out_questions


def test_there_are_enough_kinds():
    assert len(KINDS) >= 40
    assert set(FACTS) < set(SINGLE) < set(KINDS)


def test_held_out_questions_are_held_out_and_cover_every_kind():
    items = held_out_questions(204, seed=1)
    assert len({str(item.messages) for item in items}) == 204
    assert {item.kind for item in items} == set(KINDS)
    assert all(is_held_out(item.combination) for item in items)


def test_equal_seeds_give_equal_questions():
    assert held_out_questions(60, seed=4) == held_out_questions(60, seed=4)
    assert held_out_questions(60, seed=4) != held_out_questions(60, seed=5)


def test_no_held_out_question_is_trained_on():
    asked = {str(list(item.messages)) for item in held_out_questions(600, seed=6)}
    for talk in islice(conversations(Random(7)), 20_000):
        assert str(talk[:-1]) not in asked


def test_talks_begin_with_a_person_and_end_with_an_answer():
    for talk in islice(conversations(Random(8)), 2000):
        roles = [turn["role"] for turn in talk]
        assert roles[-1] == "assistant"
        spoken = roles[1:] if roles[0] == "system" else roles
        assert spoken == ["user", "assistant"] * (len(spoken) // 2)
        assert all(turn["content"] == turn["content"].strip() != "" for turn in talk), talk


def test_the_world_needs_no_heavy_import():
    heavy = "{'torch', 'transformers'} & set(sys.modules)"
    code = f"import sys, finetune.starter.world, finetune.starter.samples; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
