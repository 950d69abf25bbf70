import pytest

from finetune.data.explanation import Columns, explain
from finetune.data.formats import FORMATS, Recognition

ROWS = [
    {"question": f"What do people in town {n} eat?", "note": f"Someone asked about town {n} today.", "answer": "Bread."}
    for n in range(10)
]


def explained(name, rows, columns, score=1.0):
    table = Columns(tuple(rows[0]), rows)
    return explain(FORMATS[name], Recognition(score, "", columns), table)


def test_the_share_is_that_of_the_text_which_is_read():
    seen = explained("question_answer", ROWS, {"question": "question", "answer": "answer"})
    assert seen.text_share == pytest.approx(30 / (30 + 34), abs=0.02) and seen.confidence < 0.9
    assert seen.share == pytest.approx(36 / (36 + 34), abs=0.02)
    whole = {"question": "question", "context": "note", "answer": "answer"}
    assert explained("question_answer", ROWS, whole).confidence == 1.0


def test_numbers_ids_dates_and_repeated_text_need_no_explanation():
    asides = {"id": "a7", "at": "2024-01-02", "n": 7}
    rows = [
        {**asides, "q": f"Why is {n} so?", "a": f"It is just {n}.", "text": f"Why is {n} so? It is just {n}."}
        for n in range(5)
    ]
    assert explained("prompt_completion", rows, {"prompt": "q", "completion": "a"}).share == 1.0


def test_a_few_faulty_rows_change_neither_rank_nor_confidence_much():
    columns = {"question": "question", "context": "note", "answer": "answer"}
    all_fit, most_fit = (explained("question_answer", ROWS, columns, score) for score in (1.0, 0.75))
    few_columns = explained("question_answer", ROWS, {"question": "question", "answer": "answer"})
    assert all_fit.rank < most_fit.rank < few_columns.rank and most_fit.confidence > 0.9


PAIRS = [{"prompt": "Why is it so?", "chosen": "It just is so.", "rejected": "Go away."} for _ in range(4)]


def test_a_format_that_ignores_pairs_comes_after_one_that_reads_them_unless_that_serves_hardly_any_row():
    chat = explained("prompt_completion", PAIRS, {"prompt": "prompt", "completion": "chosen"})
    pairs = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}
    assert chat.ignored == ("rejected",) and chat.confidence < 0.5
    assert explained("preference", PAIRS, pairs, 0.2).rank < chat.rank
    assert chat.rank < explained("preference", PAIRS, pairs, 0.05).rank


def test_what_is_passed_over_says_why():
    table = Columns(tuple(PAIRS[0]), PAIRS)
    chat = explain(FORMATS["prompt_completion"], Recognition(1.0, "", {"prompt": "prompt"}), table)
    faulty = Recognition(0.0, "", {name: name for name in PAIRS[0]}, problem="It is empty.")
    said = chat.passed_over([explain(FORMATS["preference"], faulty, table)])
    assert said == 'They are not read as Preference pairs, with "chosen", "rejected": It is empty.'
    assert chat.passed_over([]) == ""


@pytest.mark.parametrize(
    "name, values, says", [("label", [True, False], True), ("label", ["up", "down"], True), ("score", [1, 4], True),
                           ("label", ["billing", "sales"], False), ("category", [0, 1], False)],
)  # fmt: skip
def test_ratings_say_what_an_answer_is_worth_if_they_are_ratings(name, values, says):
    rows = [{"prompt": "Why?", name: value} for value in values]
    assert Columns(("prompt", name), rows).worths() == ([name] if says else [])
