"""What is to be found in a text is in it, word for word."""

from random import Random

from finetune.starter.items import draw


def test_what_is_asked_for_is_in_the_text():
    rng = Random(1)
    for _ in range(300):
        item = draw(rng, kinds=("find_name",))
        assert item.short.rstrip(".") in item.question


def test_repeating_is_exact():
    rng = Random(3)
    for _ in range(200):
        item = draw(rng, kinds=("repeat",))
        assert item.question.endswith(item.answer)
