from finetune.evaluation.metrics import METRICS, Asked, Given
from finetune.evaluation.metrics.json_valid import is_json, value_in

VALID = METRICS["json_valid"]


def test_json_alone_or_in_a_fence_can_be_read():
    row = Asked((), '{"a": 1}')
    for text, wanted in (('{"b": []}', 1), ('```json\n{"b": 1}\n```', 1), ('Here: {"b": 1}', 0), ("7", 0), ("{", 0)):
        assert VALID.value(row, Given(text)) == wanted, text


def test_it_fits_where_nearly_all_expected_answers_are_json():
    rows = [Asked((), '{"a": 1}')] * 19 + [Asked((), "none")]
    assert VALID.fits(rows, None) and not VALID.fits(rows[15:], None) and not VALID.fits([], None)


def test_numbers_and_words_alone_are_no_json_answers():
    assert not is_json("7") and not is_json('"a"') and is_json("[1]") and value_in("true") is None
