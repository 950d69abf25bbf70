from finetune.data.fixes.join import Join
from finetune.data.table import Table
from tests.rows import finding, read


def turns(*pairs):
    return [{"from": speaker, "value": text} for speaker, text in pairs]


def table(*rows):
    found = Table("JSONL")
    for row in rows:
        found.add(row)
    return found


def test_turns_in_a_row_by_one_side_become_one():
    given = turns(("human", "a "), ("human", "b"), ("gpt", "c"), ("gpt", "d"), ("human", "e"))
    row = {"id": 7, "conversations": given}
    assert Join().on_table(table(row)).rows == [
        {"id": 7, "conversations": turns(("human", "a\n\nb"), ("gpt", "c\n\nd"), ("human", "e"))}
    ]


def test_a_table_without_such_turns_is_unchanged():
    clean = table({"conversations": turns(("human", "a"), ("gpt", "b"))}, {"text": "[not, turns]"}, {"n": 3})
    assert Join().on_table(clean) is clean


def test_systems_tools_and_calls_stay_as_they_are():
    given = turns(
        ("system", "a"), ("system", "b"), ("function_call", "{}"), ("function_call", "{}"), ("tool", "c"), ("tool", "d")
    )
    unchanged = table({"conversations": given})
    assert Join().on_table(unchanged) is unchanged


def test_rejected_rows_lead_to_it():
    odd = {"messages": [{"role": "user", "content": "a"}] * 2 + [{"role": "assistant", "content": "b"}]}
    fine = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    found = finding([odd, fine, fine], "rejected-join")
    assert found.fix == Join() and found.rows == (1,) and found.button == "Join them"
    assert len(read([odd, fine, fine], found.fix).examples) == 3
    assert Join().words.endswith(".")
