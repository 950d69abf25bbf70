from finetune.training.reward_preview import Attempted, Preview
from finetune.ui.method import rewards

GROUPS = (
    (
        "2 < 3 & 3 + 4?",
        "7",
        (
            Attempted("It is 7.", {"number": 1.0, "length": 0.5}, 1.5),
            Attempted("<b>8</b>", {"number": 0.0, "length": None}, 0.0),
            Attempted("It is 7.", {"number": 1.0, "length": 0.5}, 1.5),
        ),
    ),
    ("All alike?", None, (Attempted("", {"number": 0.0, "length": 0.0}, 0.0),) * 2),
)


def test_groups_show_each_answer_once_the_best_first_and_as_text():
    drawn = rewards.drawn(Preview(GROUPS))
    assert "1 of 2 groups have any spread" in drawn and "expected: 7" in drawn
    assert drawn.index("It is 7.") < drawn.index("&lt;b&gt;8") and "<b>8</b>" not in drawn
    assert drawn.count("It is 7.") == 1 and "× 2" in drawn
    assert "number 1, length 0.5" in drawn and "length –" in drawn and "(nothing)" in drawn


def test_a_line_is_added_to_the_rewards_of_the_chosen_method_alone():
    lines = rewards.added("length", "grpo", *("number" for _ in rewards.SAMPLED))
    given = dict(zip(rewards.SAMPLED, lines))
    assert given["grpo"] == "number\nlength: {maximum: 20, weight: 0.5}" and given["rloo"] == "number"


def test_only_methods_that_sample_answers_have_rewards():
    fold, *boxes, tried = rewards.show("grpo")
    assert fold["visible"] if isinstance(fold, dict) else fold.visible
    fold, *boxes, tried = rewards.show("sft")
    assert not (fold["visible"] if isinstance(fold, dict) else fold.visible) and tried == ""
