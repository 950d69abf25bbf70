"""Sums are right, and a pair of numbers held out is never added in training, however it is put."""

import re
from random import Random

from finetune.starter.items import draw
from finetune.starter.split import is_held_out
from finetune.starter.world import conversations


def test_sums_are_right():
    rng = Random(1)
    for name, sign in (("add", 1), ("subtract", -1)):
        for _ in range(300):
            x, y, result = map(int, re.findall(r"\d+", draw(rng, kinds=(name,)).answer))
            assert x + sign * y == result >= 0


def test_held_out_sums_are_in_no_training_talk():
    talks = conversations(Random(2))
    for _ in range(4000):
        for turn in next(talks):
            if turn["role"] == "assistant":
                for x, y in re.findall(r"(\d+) plus (\d+) is", turn["content"]):
                    x, y = sorted((int(x), int(y)))
                    assert not is_held_out(f"add|{x}+{y}")
