"""What is to be found in a message is in it; trouble and urgency follow from its phrases."""

import json
from random import Random

from finetune.starter.items import draw
from finetune.starter.shop import TROUBLES, URGENCIES, message


def test_a_message_says_what_its_parts_say():
    rng = Random(1)
    for _ in range(300):
        parts = message(rng)
        for field in ("name", "thing", "code", "place"):
            assert parts[field] in parts["text"]
        assert any(phrase in parts["text"] for phrase in TROUBLES[parts["trouble"]])
        assert not parts["urgency"] or any(phrase in parts["text"] for phrase in URGENCIES[parts["urgency"]])


def test_what_is_asked_for_is_in_the_text():
    rng = Random(2)
    for _ in range(300):
        item = draw(rng, kinds=("find_in_message",))
        assert item.short.rstrip(".") in item.question


def test_forms_hold_what_the_message_says():
    rng = Random(3)
    for _ in range(300):
        item = draw(rng, kinds=("fill_form",))
        if item.answer.startswith("{"):
            for field, value in json.loads(item.answer).items():
                assert field in item.question
                assert field in ("trouble", "urgency") or value in item.question


def test_complaints_get_sympathy_for_the_right_thing():
    rng = Random(2)
    for _ in range(100):
        item = draw(rng, kinds=("complaint",))
        thing = item.answer.split("your ")[1].split(".")[0]
        assert thing in item.question
