"""A story has three sentences and its animal."""

import re
from random import Random

from finetune.starter.facts import ANIMALS
from finetune.starter.stories import story


def test_three_sentences_about_the_animal():
    rng = Random(1)
    for animal in ANIMALS:
        text = story(rng, animal)
        assert len(re.findall(r"[.!?](?:\s|$)", text)) == 3
        assert animal.name in text
