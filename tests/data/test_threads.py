import pytest

from finetune.data.settings import DataSettings
from finetune.data.table import Table
from finetune.data.threads import put_together

AUTO = DataSettings(path="a.jsonl")


def joined(rows, settings=AUTO):
    table = Table("JSONL")
    for line, row in enumerate(rows, 1):
        table.add(row, line)
    return put_together(table, settings)


def said(table):
    return [[turn["content"] for turn in row["messages"]] for row in table.rows]


CHAIN = [
    {"id": "1", "parent_id": None, "role": "prompter", "text": "Where?", "lang": "en"},
    {"id": "2", "parent_id": "1", "role": "assistant", "text": "There.", "rank": 1},
    {"id": "3", "parent_id": "1", "role": "assistant", "text": "Here.", "rank": 0},
    {"id": "4", "parent_id": "3", "role": "prompter", "text": "Why?"},
    {"id": "5", "parent_id": "4", "role": "assistant", "text": "So."},
]


def test_replies_follow_the_message_they_reply_to_along_the_best_rank():
    table = joined(CHAIN)
    assert said(table) == [["Where?", "Here.", "Why?", "So."]]
    assert list(table.numbers) == [1] and list(table.lines) == [1] and table.columns == ("lang", "messages")
    assert 'the best by "rank" is taken; 1 rows are in no conversation' in table.notes[0]


def test_questions_with_answers_are_chained_up_to_each_last_one():
    rows = [
        {"id": 1, "parent_id": "", "instruction": "Where?", "output": "Here."},
        {"id": 2, "parent_id": 1.0, "instruction": "Why?", "output": "So."},
        {"id": 3, "parent_id": "1", "instruction": "When?", "output": "Now."},
        {"id": 4, "parent_id": None, "instruction": "Who?", "output": "Ann."},
    ]
    assert said(joined(rows)) == [
        ["Where?", "Here.", "Why?", "So."],
        ["Where?", "Here.", "When?", "Now."],
        ["Who?", "Ann."],
    ]


@pytest.mark.parametrize("order", ["turn", "Turn ID", "seq"])
def test_turns_of_one_conversation_are_ordered_by_their_number(order):
    rows = [
        {"conversation_id": 7, order: 2, "speaker": "bot", "message": "Here."},
        {"conversation_id": 8, order: 1, "speaker": "user", "message": "Who?"},
        {"conversation_id": 7, order: 1, "speaker": "user", "message": "Where?"},
        {"conversation_id": 8, order: 10, "speaker": "bot", "message": "Ann."},
    ]
    table = joined(rows)
    assert said(table) == [["Where?", "Here."], ["Who?", "Ann."]]
    assert [row["conversation_id"] for row in table.rows] == [7, 8]


def test_turns_without_a_number_are_ordered_by_their_time():
    rows = [
        {"session_id": "a", "created_at": "2024-01-02T10:05:00", "role": "assistant", "content": "Here."},
        {"session_id": "a", "created_at": "2024-01-02T10:04:00", "role": "user", "content": "Where?"},
    ]
    assert said(joined(rows)) == [["Where?", "Here."]]


def test_questions_and_answers_of_one_conversation_are_put_together_if_they_have_an_order():
    rows = [
        {"conversation_id": "a", "turn": 2, "question": "Why?", "answer": "So."},
        {"conversation_id": "a", "turn": 1, "question": "Where?", "answer": "Here."},
        {"conversation_id": "b", "turn": 1, "question": "Who?", "answer": "Ann."},
    ]
    assert said(joined(rows)) == [["Where?", "Here.", "Why?", "So."], ["Who?", "Ann."]]


def test_a_circle_of_replies_is_no_conversation():
    rows = [{**CHAIN[0], "parent_id": "2"}, CHAIN[1], {**CHAIN[0], "id": "9"}]
    table = joined(rows)
    assert said(table) == [["Where?"]] and "2 rows are in no conversation" in table.notes[0]


@pytest.mark.parametrize(
    "rows",
    [
        [{"conversation_id": 1, "prompt": "Where?", "completion": "Here."}] * 2,
        [{"conversation_id": n, "role": "user", "text": "Where?"} for n in range(3)],
        [{"id": 1, "parent_id": None, "role": "user", "text": "Where?"}] * 2,
        [{"conversation_id": 1, "role": "user", "content": ["part"]}] * 2,
        [{"text": "Where?", "role": "user"}] * 2,
    ],
)
def test_other_tables_stay_as_they_are(rows):
    assert not any("messages" in row for row in joined(rows).rows)


def test_a_person_who_names_columns_has_the_rows_as_they_are():
    for settings in (AUTO.changed(format="text"), AUTO.changed(columns={"text": "text"})):
        assert len(joined(CHAIN, settings).rows) == len(CHAIN)
