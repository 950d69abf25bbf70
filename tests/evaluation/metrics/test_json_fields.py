import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given
from finetune.evaluation.metrics.json_fields import leaves

FIELDS = METRICS["json_fields"]


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ('{"product": "Zizol", "urgency": "high", "order": {"id": 7}}', 1),
        ('{"urgency": "HIGH", "product": "zizol.", "order": {"id": 7}}', 1),
        ('{"product": "Zizol", "urgency": "low", "order": {"id": 7}}', 2 / 3),
        ('{"product": "Zizol", "urgency": "high", "order": {"id": 7}, "more": 1}', 3 / 4),
        ('{"product": "Zizol"}', 1 / 3),
        ('{"product": "Zizol", "urgency": "high", "order": 7}', 2 / 4),
        ("nothing", 0),
        ("{}", 0),
    ],
)
def test_each_field_counts_and_one_too_many_is_a_wrong_one(answer, share):
    row = Asked((), '{"product": "Zizol", "urgency": "high", "order": {"id": 7}}')
    assert FIELDS.value(row, Given(answer)) == pytest.approx(share)


def test_a_list_is_compared_by_place_and_an_empty_one_is_a_value():
    assert dict(leaves({"a": [1, {"b": "X"}], "c": []})) == {("a", 0): "1", ("a", 1, "b"): "x", ("c",): "[]"}
