import pytest
from pydantic import ValidationError

from finetune.rewards.length import Length
from finetune.rewards.reward import Answered


@pytest.mark.parametrize(
    ("settings", "earns"),
    [
        ({"maximum": 3}, 1),
        ({"maximum": 2}, 2 / 3),
        ({"minimum": 6}, 0.5),
        ({"unit": "characters", "maximum": 11}, 1),
        ({"unit": "characters", "maximum": 10}, 10 / 11),
        ({"unit": "tokens", "maximum": 5}, 0.5),
    ],
)
def test_the_further_off_the_less_it_earns(settings, earns):
    assert Length(**settings).score(Answered("one two 345", tokens=10)) == pytest.approx(earns)


def test_nothing_earns_nothing():
    assert Length().score(Answered("")) == 0


def test_a_band_has_its_minimum_below_its_maximum():
    with pytest.raises(ValidationError, match="minimum is above"):
        Length(minimum=5, maximum=4)
