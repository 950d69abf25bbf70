import pytest
from pydantic import ValidationError

from finetune.rewards import read_reward
from finetune.rewards.json_form import JsonForm, json_in
from finetune.rewards.reward import Answered

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("answer", "earns"),
    [
        ('{"city": "Oslo"}', 1),
        ('```json\n{"city": "Oslo"}\n```', 1),
        ('{"city": 3}', 0.5),
        ("[1, 2]", 0.5),
        ('Here it is: {"city": "Oslo"}', 0),
        ("{city: Oslo}", 0),
        ("[" * 100_000, 0),
    ],
)
def test_json_earns_a_half_and_the_right_fields_the_rest(answer, earns):
    assert JsonForm(schema=SCHEMA).score(Answered(answer)) == earns


def test_without_a_schema_any_json_will_do():
    assert JsonForm().score(Answered("[1, 2]")) == 1


def test_null_is_json_too():
    assert json_in("null") == (None,) and json_in("nul") is None


def test_what_is_no_schema_is_refused():
    with pytest.raises(ValidationError, match="no JSON schema"):
        JsonForm(schema={"type": "thing"})


def test_the_schema_is_written_under_its_own_name():
    assert read_reward(str(JsonForm(schema=SCHEMA))) == {"type": "json", "schema": SCHEMA}
