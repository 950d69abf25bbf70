import pytest

from finetune.recipe import ModelSettings
from finetune.ui.data.counting import Counting


@pytest.mark.parametrize(
    "length, tokens", [("512", 512), ("", 1024), (None, 1024), ("many", 1024), ("1", 16), ("1e9", 131072)]
)
def test_any_length_typed_is_a_number_of_tokens(length, tokens):
    assert Counting.of("starter", length).length == tokens


def test_what_makes_no_sense_on_the_method_tab_is_taken_for_the_default():
    assert Counting.of("x" * 999, "5", "upside down").model == ModelSettings()
    assert Counting.of("tiny", 64, "chatml").model.chat_template == "chatml"
