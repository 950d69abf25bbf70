import io

import pytest

from finetune.data.readers import window as module
from finetune.data.readers.decoder import Fault
from finetune.data.readers.window import Window


@pytest.mark.parametrize("size", [1, 5, 100])
def test_values_are_read_one_by_one_whatever_the_size(monkeypatch, size):
    monkeypatch.setattr(module, "WINDOW_CHARACTERS", size)
    window = Window(io.StringIO('{"a": "x, y"} \n [1, 2] {"b": NaN}'))
    found, lines = [], []
    while window.next():
        lines.append(window.line())
        found.append(window.element()[0])
    assert found == [{"a": "x, y"}, [1, 2], {"b": None}] and lines == [1, 2, 2]
    assert window.notes == ["NaN (not a number) is read as an empty value (null)."]


@pytest.mark.parametrize(
    "text, is_truncated",
    [('{"a": "x', True), ('{"a": tr', True), ('{"a": 1', True), ('{"a": ?}', False), ('{"a": ?\n', False)],
)
def test_a_text_that_ends_within_a_value_is_truncated(text, is_truncated):
    window = Window(io.StringIO(text))
    with pytest.raises(Fault) as broken:
        window.element()
    assert window.is_truncated(broken.value) == is_truncated
