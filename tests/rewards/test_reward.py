import pytest
from pydantic import TypeAdapter, ValidationError

from finetune.rewards import REWARDS, RewardChoice
from finetune.rewards.reward import Answered

READ = TypeAdapter(tuple[RewardChoice, ...])
LINES = ["number", "length: {weight: 0.5, maximum: 20}", "label: {labels: [good, bad]}", "text: {value: 'Ja: so'}"]


def test_a_reward_is_a_line():
    rewards = READ.validate_python(LINES)
    assert [reward.type for reward in rewards] == ["number", "length", "label", "text"]
    assert rewards[1].weight == 0.5 and rewards[1].maximum == 20
    assert READ.validate_python([str(reward) for reward in rewards]) == rewards
    assert READ.validate_python([reward.model_dump() for reward in rewards]) == rewards


@pytest.mark.parametrize("line", ["nothing", "length: {maxi: 3}", "length: 3", "{", "number: {weight: 1000}", 7])
def test_what_is_no_reward_is_refused(line):
    with pytest.raises(ValidationError):
        READ.validate_python([line])


@pytest.mark.parametrize("reward", REWARDS.values())
def test_each_reward_says_what_it_rewards(reward):
    assert reward.title and reward.plain.endswith(".")
    (read,) = READ.validate_python([reward.example])
    assert type(read) is reward


def test_a_reward_rates_a_batch():
    (length,) = READ.validate_python(["length: {maximum: 2}"])
    assert length.scores({})([Answered("a b"), Answered("a b c d")]) == [1, 0.5]
