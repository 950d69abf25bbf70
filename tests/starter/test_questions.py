"""Each fact can be asked for, and its answer is a sentence with a short form."""

import re
from random import Random

from finetune.starter.chats import FACTS
from finetune.starter.items import draw


def test_facts_have_full_and_short_answers():
    rng = Random(1)
    for _ in range(2000):
        item = draw(rng, kinds=FACTS)
        assert item.answer[-1] == "." or item.answer[-1] == "!"
        assert item.short.endswith(".")
        assert len(item.short) < len(item.answer)


def test_articles_are_right():
    rng = Random(2)
    for _ in range(4000):
        item = draw(rng, kinds=FACTS)
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", item.answer), item.answer
