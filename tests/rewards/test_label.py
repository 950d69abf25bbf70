from finetune.rewards.label import OneOf
from finetune.rewards.reward import Answered


def test_the_right_label_earns_most_another_a_half_and_anything_else_nothing():
    reward = OneOf(labels=("good", "bad"))
    answers = ("Good ", "bad", "good.", "It is good")
    assert [reward.score(Answered(answer, expected="good")) for answer in answers] == [1, 0.5, 0, 0]
    assert reward.score(Answered("bad")) == 1
