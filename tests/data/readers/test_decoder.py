import pytest

from finetune.data.readers.decoder import Decoder, Fault, strict, strings_of


def test_a_decoder_forgets_the_faults_of_the_value_before():
    decoder = Decoder()
    with pytest.raises(Fault):
        decoder.value('{"a": NaN}')
    assert decoder.value('{"a": 1}') == {"a": 1}


def test_the_end_or_the_fault_of_a_value_is_located():
    decoder = Decoder()
    assert decoder.element(' {"a": NaN} []', 0) == ({"a": None}, 11, "It contains NaN, which is not a JSON value.")
    assert decoder.element(' {"a": NaN} []', 11) == ([], 14, None)
    with pytest.raises(Fault) as broken:
        decoder.element('{"a": ?}', 0)
    assert broken.value.position == 6


def test_a_line_is_read_strictly():
    assert strict(b'{"a": 1.50}\r\n') == {"a": "1.50"}
    with pytest.raises(Fault, match="more than once"):
        strict(b'{"a": 1, "a": 2}\n')


def test_all_strings_of_a_value():
    assert sorted(strings_of({"a": ["b", {"c": 1}], "d": None})) == ["a", "b", "c", "d"]
