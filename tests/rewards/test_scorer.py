from finetune.rewards.reward import Answered
from finetune.rewards.scorer import RewardModel


class Scorer:
    def scores(self, asked):
        return [float(len(messages) * len(answer)) for messages, answer in asked]


def test_the_score_of_the_run_that_it_names():
    reward = RewardModel(run="003-taste")
    assert reward.wants() == {"run": "003-taste"}
    asked = ({"role": "user", "content": "?"},) * 2
    assert reward.scores({"run": Scorer()})([Answered("abc", messages=asked)]) == [6.0]
