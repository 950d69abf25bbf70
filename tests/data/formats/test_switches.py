import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.switches import is_switch, is_trained, number_of, weight_of


@pytest.mark.parametrize(
    "key", ["weight", "loss", "train", "trainable", "loss_mask", "loss_weight", "is_training", "Do Train"]
)
@pytest.mark.parametrize("value", [0, 0.0, False, "0", "false", "No", " 0.0 "])
def test_an_answer_is_switched_off(key, value):
    assert not is_trained({key: value}, "Turn 1")


@pytest.mark.parametrize("key", ["mask", "masked", "is_masked", "skip_loss"])
def test_a_mask_means_the_opposite(key):
    assert not is_trained({key: True}, "") and not is_trained({key: "1"}, "")
    assert is_trained({key: False}, "") and is_trained({key: 0}, "")


@pytest.mark.parametrize("value", [1, True, "true", "1", 0.5, 2, None, ""])
def test_any_other_value_trains_on_it(value):
    assert is_trained({"weight": value, "content": "0", "note": False}, "")


def test_of_two_switches_one_suffices():
    assert not is_trained({"weight": 1, "mask": True}, "")


def test_spans_count_together_or_are_refused():
    spans = [{"begin_offset": 0, "end_offset": 3, "train": False}, {"begin_offset": 4, "end_offset": 9, "train": False}]
    assert not is_trained({"train_detail": spans}, "")
    assert is_trained({"train_detail": []}, "")
    assert is_trained({"train_detail": '[{"begin_offset": 0, "end_offset": 3, "train": true}]'}, "")
    spans[1]["train"] = True
    with pytest.raises(RowError, match="Turn 4 is trained on in part"):
        is_trained({"train_detail": spans}, "Turn 4")
    for odd in ("words", {"train": True}, [3], [{"begin_offset": 0}]):
        with pytest.raises(RowError, match="not as a list of begin_offset"):
            is_trained({"train_detail": odd}, "Turn 4")


@pytest.mark.parametrize("value, written", [("high", '"high"'), ([1, 0], "[1, 0]")])
def test_a_value_that_switches_nothing_is_named(value, written):
    with pytest.raises(RowError) as error:
        is_trained({"weight": value}, "Turn 2 (assistant)")
    assert (
        str(error.value) == f'Turn 2 (assistant) has "weight": {written}, which is neither a number nor true or false.'
    )


def test_a_weight_is_a_factor_of_the_loss():
    assert weight_of("loss_scale", "0.5") == 0.5 and weight_of("masked", True) == 0
    assert weight_of("score", 0.5) is None and weight_of("weight", "heavy") is None
    assert is_switch("train_detail") and not is_switch("score")
    assert number_of(True) == 1 and number_of("") is None and number_of([]) is None
