import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.ranked import Ranked

USER = {"role": "user", "content": "q"}
BEST, WORST = ({"role": "assistant", "content": text} for text in ("best", "worst"))
ANSWERS = ["middle", "best", "worst"]
SPELLINGS = {
    "UltraFeedback": {
        "completions": [{"model": "m", "response": text, "overall_score": n} for text, n in zip(ANSWERS, (5, 8.5, 1))]
    },
    "UltraFeedback's fine scores": {
        "completions": [{"response": text, "fine-grained_score": n} for text, n in zip(ANSWERS, (2.5, 4.75, 1))]
    },
    "ranks": {"answers": [{"answer": text, "rank": n} for text, n in zip(ANSWERS, (2, 1, 3))]},
    "scores": {"responses": ANSWERS, "scores": [0.5, 0.9, -1]},
    "ranks in a column": {"responses": ANSWERS, "ranking": [2, 1, 3]},
    "as JSON": {"responses": '["best", "worst"]', "scores": "[2, 1]"},
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_best_and_the_worst_answer_are_a_pair(spelling):
    row = {"prompt": "q", **SPELLINGS[spelling]}
    found = Ranked().recognize(tuple(row), [row])
    assert found.score == 1.0 and "the best and the worst" in found.notes[0]
    assert Ranked().example(row, found.columns) == {"prompt": [USER], "chosen": [BEST], "rejected": [WORST]}


def test_turns_can_be_ranked_after_a_conversation():
    said = {role: {"role": role, "parts": [{"text": role}]} for role in ("user", "model")}
    rated = [{"score": n, "completion": {"role": "model", "parts": [{"text": ["worst", "best"][n]}]}} for n in (0, 1)]
    row = {
        "system_instruction": {"parts": [{"text": "s"}]},
        "contents": [said["user"], said["model"], said["user"]],
        "completions": rated,
    }
    found = Ranked().recognize(tuple(row), [row])
    assert found.score == 1.0
    assert Ranked().example(row, found.columns) == {
        "prompt": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "user"},
            {"role": "assistant", "content": "model"},
            {"role": "user", "content": "user"},
        ],
        "chosen": [BEST],
        "rejected": [WORST],
    }


def test_the_place_of_the_best_is_enough():
    row = {"prompt": "q", "responses": ["worst", "best"], "preferred_index": 1}
    found = Ranked().recognize(tuple(row), [row])
    assert Ranked().example(row, found.columns)["chosen"] == [BEST]


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"responses": ["a", "b"], "scores": [1, 1]}, "same score"),
        ({"responses": ["a", "b"], "scores": [1]}, "does not hold a score for each of the 2 answers"),
        ({"responses": ["a"], "scores": [1]}, "not several answers"),
        ({"responses": "a", "scores": [1]}, "not several answers"),
    ],
)
def test_a_row_without_a_best_answer_is_refused(row, reason):
    columns = {"prompt": "prompt", "answers": "responses", "scores": "scores"}
    with pytest.raises(RowError, match=reason):
        Ranked().example({"prompt": "q", **row}, columns)


def test_answers_without_scores_are_no_ranking():
    row = {"prompt": "q", "completions": ["First.", "Second."], "labels": [True, False]}
    assert Ranked().recognize(tuple(row), [row]) is None
