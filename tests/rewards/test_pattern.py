import time

import pytest
from pydantic import ValidationError

from finetune.rewards.pattern import Pattern
from finetune.rewards.reward import Answered


def test_the_expression_matches_somewhere_unless_it_is_tied():
    assert Pattern(pattern="b+").score(Answered("abbc")) == 1
    assert Pattern(pattern="^b+$").score(Answered("abbc")) == 0
    assert Pattern(pattern="^<think>.*</think>").score(Answered("<think>a\nb</think>c")) == 1


def test_what_is_no_expression_is_refused():
    with pytest.raises(ValidationError, match="no regular expression"):
        Pattern(pattern="(a")


def test_no_expression_takes_longer_than_the_answer_is_long():
    began = time.perf_counter()
    Pattern(pattern="^(a+)+$").score(Answered("a" * 5000 + "b"))
    assert time.perf_counter() - began < 2
