"""The answer that is not preferred says the same at greater length."""

from random import Random

from finetune.starter.chats import kindly
from finetune.starter.items import draw
from finetune.starter.kindness import long_or_cold
from finetune.starter.samples import VOICED_KINDS


def test_chosen_is_short_and_right():
    rng = Random(1)
    longer = 0
    for _ in range(500):
        item = draw(rng, kinds=VOICED_KINDS)
        chosen, rejected = kindly(item), long_or_cold(item, rng)
        assert item.short in chosen
        assert item.answer in rejected
        longer += len(rejected) > len(chosen)
    assert longer > 400
