from finetune.rewards.repetition import NoRepetition
from finetune.rewards.reward import Answered


def test_the_share_of_different_phrases():
    reward = NoRepetition(words=2)
    assert reward.score(Answered("one two three four")) == 1
    assert reward.score(Answered("no no no no no")) == 1 / 4
    assert reward.score(Answered("word")) == 1
