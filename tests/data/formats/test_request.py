import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.request import about, context, earlier, exchange_after, with_context, without_echo

COLUMNS = {"history": "h", "context": "c"}
TURNS = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]


@pytest.mark.parametrize(
    "history",
    [
        [["Where?", "Here."]],
        '[["Where?", "Here."]]',
        "[('Where?', 'Here.')]",
        TURNS,
        [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "Here."}],
        [{"human": "Where?", "assistant": "Here."}],
        ["Where?", "Here."],
        "User: Where?\nAssistant: Here.",
    ],
)
def test_history_is_read_in_each_spelling(history):
    assert earlier({"h": history}, COLUMNS) == TURNS
    assert exchange_after(TURNS, "And?", "Yes.", "s")["messages"] == [
        {"role": "system", "content": "s"}, *TURNS,
        {"role": "user", "content": "And?"}, {"role": "assistant", "content": "Yes."},
    ]  # fmt: skip


@pytest.mark.parametrize("history", [None, "", "[]", []])
def test_an_empty_history_is_none(history):
    assert earlier({"h": history}, COLUMNS) == [] and earlier({}, {}) == []


@pytest.mark.parametrize("history", ["Where? Here.", {"a": 1}, [{"a": 1}], [["Where?"]], [["Where?", ""]], 7])
def test_another_history_is_a_reason(history):
    with pytest.raises(RowError, match='"h"'):
        earlier({"h": history}, COLUMNS)


@pytest.mark.parametrize(
    "value, text",
    [
        ("Ann runs.", "Ann runs."),
        (["Ann runs.", "Bob sits."], "Ann runs.\n\nBob sits."),
        ([{"title": "Ann", "text": "She runs."}], "Ann\nShe runs."),
        ({"title": ["Ann"], "sentences": [["She runs.", "Fast."]]}, "Ann\nShe runs. Fast."),
        (None, ""),
    ],
)
def test_a_context_is_one_text(value, text):
    assert context({"c": value}, COLUMNS) == text


def test_the_context_stands_below_the_last_question():
    asked = [*TURNS, {"role": "user", "content": "And?"}]
    assert with_context(asked, "Ann runs.")[-1]["content"] == "And?\n\nAnn runs."
    assert with_context(asked, " ") == asked and with_context(TURNS, "x") == TURNS
    assert about("Add.", "<noinput>") == "Add."


def test_a_column_that_writes_out_the_question_is_no_context():
    found, rows = {"question": "q", "context": "text"}, [{"q": "Why?", "text": "Q: Why? A: So."}]
    assert without_echo(found, rows, {}, "question", "context") == {"question": "q"}
    assert without_echo(found, rows, {"context": "text"}, "question", "context") == found
    assert without_echo(found, [{"q": "Why?", "text": "It is."}], {}, "question", "context") == found
