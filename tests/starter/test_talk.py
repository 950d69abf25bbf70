"""The model never claims to know what is not in its world."""

from random import Random

from finetune.starter.items import draw
from finetune.starter.pirate import is_pirate
from finetune.starter.talk import UNKNOWN


def test_beyond_the_world_it_says_so():
    rng = Random(1)
    assert {draw(rng, kinds=("beyond",)).answer for _ in range(200)} == {UNKNOWN}


def test_sailors_words_are_explained_and_not_used():
    rng = Random(3)
    for _ in range(100):
        item = draw(rng, kinds=("sailor_word",))
        assert "sailor" in item.answer
        assert not is_pirate(item.answer)
