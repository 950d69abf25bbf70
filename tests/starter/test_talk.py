"""The model never claims to know what is not in its world."""

from random import Random

from finetune.starter.items import draw
from finetune.starter.talk import UNKNOWN


def test_beyond_the_world_it_says_so():
    rng = Random(1)
    assert {draw(rng, kinds=("beyond",)).answer for _ in range(200)} == {UNKNOWN}


def test_complaints_get_sympathy_for_the_right_thing():
    rng = Random(2)
    for _ in range(100):
        item = draw(rng, kinds=("complaint",))
        thing = item.answer.split("your ")[1].split(".")[0]
        assert thing in item.question
