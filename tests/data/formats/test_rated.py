import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.rated import Rated

COLUMNS = {"prompt": "prompt", "completion": "completion", "label": "label"}
ANSWER = {"role": "assistant", "content": "a"}


def row(label):
    return {"prompt": "q", "completion": "a", "label": label}


def label(value, columns=COLUMNS, roles=None):
    return Rated().example(row(value), columns, None, roles)["label"]


@pytest.mark.parametrize(
    "good, bad",
    [
        (True, False), ("true", "False"), (1, 0), ("1", "-1"), (1.0, -1.0), ("good", "BAD"), ("👍", "👎"),
        ("👍🏽", "👎🏿"), ("thumbs up", "thumbs_down"), ("Thumbs-Up", "thumbsdown"), ("yes", "no"), ("like", "dislike"),
    ],
)  # fmt: skip
def test_thumbs_are_recognized_however_they_are_written(good, bad):
    rows = [row(good), row(bad)]
    found = Rated().recognize(tuple(rows[0]), rows)
    assert found.score == 1.0 and "taken as" not in found.reason
    assert [Rated().example(each, found.columns) for each in rows] == [
        {"prompt": [{"role": "user", "content": "q"}], "completion": [ANSWER], "label": liked}
        for liked in (True, False)
    ]


def test_of_two_numbers_the_higher_is_good_and_the_reason_says_so():
    found = Rated().recognize(tuple(row(1)), [row(1), row("5"), row(5.0)])
    assert found.score == 1.0 and found.reason.endswith("5 counts as good and 1 as bad.")
    assert label(5, found.columns) is True and label("1", found.columns) is False
    with pytest.raises(RowError, match='"3", a value on a scale'):
        label(3, found.columns)


def test_a_scale_is_refused_until_its_values_have_meanings():
    rows = [row(value) for value in (1, 2, 5)]
    found = Rated().recognize(tuple(rows[0]), rows)
    assert found.score == 0
    with pytest.raises(RowError, match="assign meanings to ratings, e.g. 1: good"):
        label(1, found.columns)
    roles = {"1": "bad", "2": "Bad", "5": "good"}
    assert Rated().recognize(tuple(rows[0]), rows, None, roles).score == 1.0
    assert [label(value, found.columns, roles) for value in (1, 2, 5.0)] == [False, False, True]


@pytest.mark.parametrize(
    "value, reason",
    [
        (None, 'Column "label" is empty.'),
        (" ", 'Column "label" is empty.'),
        ([1], 'Column "label" holds a list, not a rating.'),
        ("billing", 'Column "label" holds "billing", an unknown rating; assign meanings to ratings'),
        ("nan", 'Column "label" holds "nan", an unknown rating; assign meanings to ratings'),
    ],
)
def test_an_invalid_rating_is_reported(value, reason):
    with pytest.raises(RowError) as error:
        label(value)
    assert str(error.value).startswith(reason)


def test_prompt_and_answer_may_be_turns():
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "b", "weight": 0},
        {"role": "user", "content": "r"},
    ]
    example = Rated().example({"prompt": turns, "completion": [ANSWER], "label": 1}, COLUMNS, "s")
    assert example["prompt"][0] == {"role": "system", "content": "s"}
    assert [turn["content"] for turn in example["prompt"]] == ["s", "q", "b", "r"]
    assert all(turn.keys() == {"role", "content"} for turn in example["prompt"])
    with pytest.raises(RowError, match="more than one answer"):
        Rated().example({"prompt": turns, "completion": turns, "label": 1}, COLUMNS)


def test_alpaca_with_a_label_keeps_its_input():
    alpaca = {"instruction": "Add.", "input": "1 2", "output": "3", "label": True}
    found = Rated().recognize(tuple(alpaca), [alpaca])
    assert Rated().example(alpaca, found.columns)["prompt"] == [{"role": "user", "content": "Add.\n\n1 2"}]


def test_a_conversation_may_end_with_the_rated_answer():
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    row = {"messages": turns, "label": False}
    found = Rated().recognize(tuple(row), [row])
    assert Rated().example(row, found.columns) == {"prompt": turns[:1], "completion": turns[1:], "label": False}
    with pytest.raises(RowError, match="holds no answer by the assistant"):
        Rated().example({"messages": turns[:1], "label": True}, found.columns)
    with pytest.raises(RowError, match="without a question"):
        Rated().example({"messages": turns[1:], "label": True}, found.columns)


def test_a_scale_has_a_meaning_from_a_threshold_on():
    row = {"prompt": "q", "completion": "a", "score": 3.5}
    columns = {"prompt": "prompt", "completion": "completion", "label": "score"}
    assert Rated().example(row, columns, roles={">=3.5": "good"})["label"] is True
    assert Rated().example({**row, "score": "3"}, columns, roles={">=3.5": "good"})["label"] is False
    assert Rated().example(row, columns, roles={">=3.5": "good", "3.5": "bad"})["label"] is False
