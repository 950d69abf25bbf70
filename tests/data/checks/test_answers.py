import pytest

from finetune.data.checks.answers import Answers, is_boilerplate
from finetune.data.checks.check import look
from tests.rows import clean, finding, pair


def with_answers(*answers):
    """A hundred clean rows, and one for each of ``answers`` behind them."""
    rows = clean(100 + len(answers))
    return rows[:100] + [{**row, "completion": answer} for row, answer in zip(rows[100:], answers)]


BOILERPLATE = [
    "As an AI language model, I have no opinion.",
    "Well, as an AI, I cannot say.",
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "TODO: write this answer later on",
    "Lorem ipsum dolor sit amet",
    "N/A",
    "n/a.",
    "None",
    "???",
]


@pytest.mark.parametrize("answer", BOILERPLATE)
def test_boilerplate_is_reported_and_left_out(answer):
    rows = with_answers(answer)
    found = finding(rows, "boilerplate")
    assert (found.severity, found.rows) == ("warning", (101,))
    assert finding(rows, "boilerplate", found.fix) is None


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot recommend this lamp highly enough.",
        "There is none left in the shop.",
        "Write a todo list first.",
        "As an aide to the king, he wrote letters.",
        "It is a test of patience.",
        "42",
        "是的。",
    ],
)
def test_good_answers_are_not_boilerplate(answer):
    assert not is_boilerplate(answer)


def test_one_answer_to_many_questions_is_reported_and_left_out():
    rows = with_answers(*["Please ask my colleague in the shop."] * 8)
    found = finding(rows, "same-answer")
    assert (found.severity, found.rows) == ("warning", tuple(range(101, 109)))
    assert "(7 %)" in found.message
    assert finding(rows, "same-answer", found.fix) is None
    assert finding(with_answers(*["Please ask my colleague in the shop."] * 4), "same-answer") is None


def test_a_short_answer_may_come_often():
    assert finding(with_answers(*["Gladly! Yes."] * 20), "same-answer") is None
    assert len(finding(with_answers(*["I do not know."] * 40), "same-answer").rows) == 40


def test_duplicate_rows_are_reported_elsewhere():
    assert finding(clean(100) + clean(1) * 20, "same-answer") is None


def test_single_words_are_reported_if_they_are_the_exception():
    rows = with_answers("Yes.", "No")
    found = finding(rows, "one-word-answers")
    assert (found.severity, found.rows) == ("info", (101, 102))
    assert finding(rows, "one-word-answers", found.fix) is None
    assert finding([{**row, "completion": row["prompt"].split()[5]} for row in clean(60)], "one-word-answers") is None


def test_numbers_are_good_answers():
    assert finding(with_answers("42", "1,319", "A3"), "one-word-answers") is None


def test_empty_answers_are_found_in_any_turn():
    check = Answers()
    check.see(look(0, 7, {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": " \n"}]}))
    assert check.empty == [7]


def test_the_rejected_answer_of_a_pair_may_be_anything():
    rows = [pair(row["prompt"], row["completion"], "N/A") for row in clean(40)]
    assert finding(rows, "boilerplate") is None
