"""Talks of several turns say the right thing under each system prompt and remember what they were told."""

from random import Random

from finetune.starter.chats import KIND, POLITE, SHORT
from finetune.starter.items import draw


def test_short_prompts_get_short_answers():
    rng = Random(1)
    for _ in range(400):
        item = draw(rng, kinds=("system_prompt",))
        prompt = item.messages[0]["content"]
        assert (prompt in POLITE) == item.answer.startswith("With pleasure!")
        assert (prompt in KIND) == item.answer.startswith("Gladly!")
        if prompt in SHORT:
            assert len(item.answer.split()) <= 5


def test_what_was_told_is_remembered():
    rng = Random(2)
    for _ in range(200):
        item = draw(rng, kinds=("remember",))
        assert item.answer.split()[-1].rstrip(".") in item.messages[0]["content"]


def test_follow_ups_say_it():
    rng = Random(3)
    for _ in range(200):
        item = draw(rng, kinds=("follow_up",))
        assert 3 <= len(item.messages) <= 7
