from decimal import Decimal

import pytest

from finetune.rewards.number import NumberEquals, number_in
from finetune.rewards.reward import Answered


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12 plus 13 is 25.", "25"),
        ("She pays $1,234.50 in all.", "1234.50"),
        ("He has 3 + 4 = 7 apples\n#### 7", "7"),
        ("#### 1,000,000\nI think so, by 99 %", "1000000"),
        (r"So the answer is \boxed{-3.5}, not 4.", "-3.5"),
        ("It is \u22123 degrees.", "-3"),
        ("Of 10,20 and 30 the last.", "30"),
        ("version 2.5.1 of item a7", None),
        ("3.5e3 people", "3500"),
        ("It takes 25km.", "25"),
        ("no number here", None),
        ("", None),
    ],
)
def test_the_result_of_a_text(text, number):
    assert number_in(text) == (None if number is None else Decimal(number))


def test_the_number_must_be_the_expected_one():
    reward = NumberEquals()
    assert reward.score(Answered("It is 25.", expected="#### 25")) == 1
    assert reward.score(Answered("25 or 26", expected="25")) == 0
    assert reward.score(Answered("I do not know", expected="25")) == 0
    assert reward.score(Answered("25", expected="many")) is None
    assert NumberEquals(tolerance=0.1).score(Answered("0.3", expected="0.2")) == 1
    assert NumberEquals(tolerance=0.1).score(Answered("0.31", expected="0.2")) == 0
