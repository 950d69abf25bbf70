from functools import partial

import gradio as gr
import pytest
from gradio.helpers import special_args

from finetune.recipe import ModelSettings
from finetune.ui.data.counting import Counting, folded


@pytest.mark.parametrize(
    "length, tokens", [("512", 512), ("", 1024), (None, 1024), ("many", 1024), ("1", 16), ("1e9", 131072)]
)
def test_any_length_typed_is_a_number_of_tokens(length, tokens):
    assert Counting.of("starter", length).length == tokens


def test_what_makes_no_sense_on_the_method_tab_is_taken_for_the_default():
    assert Counting.of("x" * 999, "5", "upside down").model == ModelSettings()
    assert Counting.of("tiny", 64, "chatml").model.chat_template == "chatml"


def test_another_length_or_template_keeps_the_rest():
    by = Counting.of("tiny", 64, "chatml")
    assert by.changed(length="128") == Counting.of("tiny", 128, "chatml")
    assert by.changed(template="own") == Counting.of("tiny", 64, "own") and by.changed() == by


def test_a_handler_gets_one_counting_and_gradio_still_finds_its_event_and_progress():
    def handler(desk, by, text, event: gr.EventData, progress=gr.Progress()):
        return desk, by, text, event, progress

    call = folded(partial(handler, "desk"))
    given, progress_at, event_at, _ = special_args(
        call, ["tiny", "64", "own", "text"], event_data=gr.EventData(None, {})
    )
    assert (event_at, progress_at) == (4, 5)
    desk, by, text, event, progress = call(*given)
    assert (desk, by, text) == ("desk", Counting.of("tiny", 64, "own"), "text")
    assert isinstance(event, gr.EventData) and isinstance(progress, gr.Progress)
