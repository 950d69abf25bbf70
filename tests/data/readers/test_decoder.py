import pytest

from finetune.data.faulty import Faulty
from finetune.data.readers.decoder import Decoder, Fault, fault_in, strings_of


def test_a_decoder_forgets_the_faults_of_the_value_before():
    decoder = Decoder()
    assert decoder.value('{"a": -Infinity}') == {"a": Faulty("It contains -Infinity, which is not a JSON value.")}
    assert decoder.value('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    "text, key, reason",
    [
        ('{"x": 1, "b": Infinity}', "b", "Infinity"),
        ('{"x": 1, "b": [{"c": -Infinity}]}', "b", "-Infinity"),
        ('{"b": 1, "x": 1, "b": 2}', "b", 'the key "b" more than once'),
        ('{"x": 1, "b": {"c": 1, "c": 2}}', "b", 'the key "c" more than once'),
        ('{"x": 1, "b": 1e999}', "b", "too large"),
        ('{"x": 1, "b": ' + "9" * 500 + "}", "b", "500 digits"),
        (r'{"x": 1, "b": "\ud83d"}', "b", "lone surrogate"),
        (r'{"x": 1, "b": ["\u0000"]}', "b", "NUL"),
        ('{"x": 1, "b": ' + "[" * 32 + "]" * 32 + "}", "b", "nested too deeply"),
        ('{"x": 1, "b": {"m": ' + '{"a":' * 40 + "1" + "}" * 41 + "}", "b", "nested too deeply"),
    ],
)
def test_a_fault_stays_at_its_key(text, key, reason):
    row = Decoder().value(text)
    assert row["x"] == 1 and isinstance(row[key], Faulty) and reason in row[key].reason


def test_nan_is_an_empty_value():
    decoder = Decoder()
    assert decoder.value('{"a": NaN, "b": [NaN, 1]}') == {"a": None, "b": [None, 1]}
    assert decoder.has_nan


def test_what_is_no_object_has_a_fault_as_a_whole():
    with pytest.raises(Fault, match="Infinity"):
        Decoder().value("[1, Infinity]")
    with pytest.raises(Fault, match="lone surrogate"):
        Decoder().value(r'{"\ud83d": 1}')


def test_the_end_or_the_fault_of_a_value_is_located():
    decoder = Decoder()
    assert decoder.element(" [Infinity] []", 0)[1:] == (11, "It contains Infinity, which is not a JSON value.")
    assert decoder.element(" [Infinity] []", 11) == ([], 14, None)
    with pytest.raises(Fault) as broken:
        decoder.element('{"a": ?}', 0)
    assert broken.value.position == 6


def test_nesting_is_counted_in_levels():
    assert fault_in([[1]], 2) is None and fault_in([[[]]], 2) == "It is nested too deeply."


def test_all_strings_of_a_value():
    assert list(strings_of({"a": ["b", {"c": 1}], "d": None})) == ["a", "d", "b", "c"]
    assert list(strings_of({"a": ["x", {"b": "y"}], "c": 1, "d": ("z",)}, keys=False)) == ["x", "y", "z"]
