from finetune.rewards.judge import Judge, key
from finetune.rewards.reward import Answered


class Rater:
    def points(self, asked):
        return [0.9 if answer == "Yes." else None for _, answer in asked]


def test_a_judge_gives_its_points():
    asked = ({"role": "user", "content": "Can swans fly?"},)
    scores = Judge(model="big").scores({"judge": Rater()})
    assert scores([Answered("Yes.", messages=asked), Answered("No.", messages=asked)]) == [0.9, None]


def test_the_key_is_in_the_environment_alone(monkeypatch):
    monkeypatch.setenv("FINETUNE_JUDGE_KEY", "secret-7")
    assert key() == "secret-7" and "secret-7" not in str(Judge(model="big").model_dump())
    monkeypatch.delenv("FINETUNE_JUDGE_KEY")
    assert key() is None
