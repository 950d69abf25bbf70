"""The rule hears every pirate line and no ordinary answer."""

from itertools import islice
from random import Random

from finetune.starter.items import draw
from finetune.starter.pirate import in_pirate_voice, is_pirate
from finetune.starter.samples import VOICED_KINDS
from finetune.starter.world import conversations


def test_ordinary_answers_are_no_pirates():
    for talk in islice(conversations(Random(1)), 10_000):
        assert not any(is_pirate(turn["content"]) for turn in talk)


def test_pirate_lines_are():
    rng = Random(2)
    for _ in range(2000):
        line = in_pirate_voice(draw(rng, kinds=VOICED_KINDS).answer, rng)
        assert is_pirate(line), line


def test_a_line():
    assert is_pirate("Arr, the sea be blue, matey!")
    assert not is_pirate("The sea is blue, my friend.")
