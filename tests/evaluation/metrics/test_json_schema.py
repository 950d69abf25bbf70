from finetune.evaluation.metrics import METRICS, Asked, Given
from finetune.evaluation.metrics.json_schema import form

SCHEMA = METRICS["json_schema"]


def test_fields_and_types_count_and_values_do_not():
    row = Asked((), '{"name": "A", "count": 2, "tags": ["x"]}')
    assert SCHEMA.value(row, Given('{"tags": ["y", "z"], "count": 7.5, "name": ""}')) == 1
    assert SCHEMA.value(row, Given('{"name": "A", "count": "2", "tags": ["x"]}')) == 0
    assert SCHEMA.value(row, Given('{"name": "A", "count": 2}')) == 0
    assert SCHEMA.value(row, Given("no JSON")) == 0
    assert SCHEMA.value(Asked((), "no JSON"), Given("{}")) is None


def test_true_is_no_number_and_nothing_is_a_type():
    assert form(True) != form(1) and form(None) != form("") and form({"a": {"b": 1}}) == {"a": {"b": "number"}}
