import json

from finetune.data.detected import AUTO, Detected, listed
from tests.rows import clean, read

DETECTED = Detected(
    "text", "Plain text", "text", {"text": "content"}, ("title", "id"), 0.5, "It holds plain text.", ("A note.",)
)


def test_every_column_is_accounted_for():
    assert DETECTED.account == 'Read as Plain text: text = "content". Not used: "title", "id".'
    data = read([{**row, "source": "web", "remark": "A remark of five words."} for row in clean(20)])
    found = data.detected
    assert {*found.columns.values(), *found.unused} == set(data.file_columns)
    assert found.account.endswith('Not used: "source", "remark".')


def test_a_doubt_says_what_and_what_to_do_unless_the_format_was_chosen():
    assert DETECTED.doubt(AUTO).startswith("It is not certain what the rows mean (50 % confidence). Read as Plain text")
    assert "set data.format to text" in DETECTED.remedy
    assert DETECTED.doubt("text") == ""
    assert read(clean(20)).detected.doubt(AUTO) == ""


def test_it_is_json():
    facts = DETECTED.to_dict()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["columns"] == {"text": "content"} and facts["unused"] == ["title", "id"] and not facts["is_sure"]
    task = read([{"text": f"The sea is {n} wide.", "label": "ab"[n % 2]} for n in range(20)]).detected.to_dict()
    assert type(task["columns"]["instruction"]) is str and json.dumps(task)


def test_certainty_is_never_complete_but_by_choice():
    assert read(clean(20)).detected.percent == 99


def test_many_columns_are_counted():
    assert listed(["a", "b"]) == "a, b" and listed(list("abcde"), 3) == "a, b, c and 2 more"
