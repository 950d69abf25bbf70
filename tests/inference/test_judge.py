import json

import pytest
from pydantic import ValidationError

from finetune.errors import ModelError
from finetune.inference.judge import Judging
from finetune.rewards.judge import Judge
from tests.inference.test_endpoint import serving

ASKED = [{"role": "user", "content": "Can swans fly?"}]
SETTINGS = Judge(model="big", criteria="Short is good.")


def judging(*replies, record=None):
    said = iter(replies)
    return Judging(SETTINGS, lambda prompts: [next(said) for _ in prompts], record)


@pytest.mark.parametrize(
    ("reply", "points"),
    [("7", 0.7), ("7/10", 0.7), ("Rating: 10", 1), ("0", 0), ("11", None), ("good", None), (None, None)],
)
def test_points_are_numbers_from_zero_to_ten(reply, points):
    found = judging(reply, "5").points([(ASKED, "Yes."), (ASKED, "No.")])
    assert found == [points, 0.5]


def test_a_judge_without_a_single_number_is_an_error():
    with pytest.raises(ModelError, match="The judge big rated none of 2 answers; its first reply was: Nice"):
        judging("Nice!", "Well.").points([(ASKED, "Yes."), (ASKED, "No.")])


def test_a_preference_counts_only_if_both_orders_agree():
    pairs = [(ASKED, "Yes.", "No.")] * 5
    replies = ("A", "B"), ("B", "A"), ("A", "A"), ("B", "neither"), ("A or B", "B")
    found = judging(*(reply for both in replies for reply in both)).prefers(pairs)
    assert found == [0, 1, None, None, None]
    choices = judging(*(reply for both in replies for reply in both)).choices(pairs)
    assert choices == [(0, 0), (1, 1), (0, 1), (1, None), (None, 0)]


def test_each_judgement_is_kept(tmp_path):
    record = tmp_path / "judgements.jsonl"
    judging("7", "A", "B", record=record).points([(ASKED, "Yes.")])
    kept = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert kept == [{"question": "Can swans fly?", "answer": "Yes.", "reply": "7", "points": 0.7}]
    judging("A", "B", record=record).prefers([(ASKED, "Yes.", "No.")])
    kept = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [each["better"] for each in kept[1:]] == ["A", "B"] and kept[2]["first"] == "No."


def test_a_judge_behind_an_endpoint_reads_criteria_question_and_answer(workspace):
    with serving(lambda prompt, count: "9" if "Short is good." in prompt and "Answer:\nYes." in prompt else "1") as (
        address,
        _,
    ):
        judge = Judging.load(SETTINGS.model_copy(update={"endpoint": address}), workspace)
        assert judge.points([(ASKED, "Yes."), (ASKED, "No.")]) == [0.9, 0.1]


def test_a_judge_of_this_workspace_replies_by_itself(with_tiny):
    replies = Judging.load(Judge(model="tiny"), with_tiny).say(["Rate this."] * 2)
    assert len(replies) == 2 and replies[0] == replies[1] and isinstance(replies[0], str)


def test_a_key_does_not_belong_into_an_address():
    with pytest.raises(ValidationError, match="FINETUNE_JUDGE_KEY"):
        Judge(model="big", endpoint="https://me:secret@example.com/v1")
    with pytest.raises(ValidationError, match="An endpoint is an address"):
        Judge(model="big", endpoint="file:///etc/passwd")
