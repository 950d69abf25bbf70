import asyncio
import time
from types import SimpleNamespace

import gradio as gr
import pytest

from finetune.errors import RunError
from finetune.ui.inputs import LARGEST, LONGEST_OTHER, LONGEST_TEXT, UNEXPECTED, Checked, picked, require_fit

LONG = "a" * 5_000_000
NO_NUMBERS = (float("nan"), float("inf"), -float("inf"), 10**5000, LARGEST * 2, "7", True, [1], {}, 1e300)


def page(work, *components):
    """A page with one event that does ``work`` with the values of ``components``."""
    with Checked() as made:
        inputs = [each.render() for each in components]
        gr.Button().click(work, inputs, gr.Textbox())
    return made


def ask(made, *values):
    """The answer to the page's one event."""
    return asyncio.run(made.process_api(max(made.fns), list(values)))["data"][0]


def refusal(component, value) -> str:
    with pytest.raises(gr.Error) as caught:
        require_fit([component], [value])
    return caught.value.message


@pytest.mark.threat("T36")
@pytest.mark.parametrize(
    ("component", "value"),
    [
        (gr.Textbox(label="It"), LONG),
        (gr.Textbox(label="It"), "a" * (LONGEST_TEXT + 1)),
        (gr.Textbox(label="It", max_length=10), "a" * 11),
        (gr.HTML(label="It"), LONG),
        (gr.JSON(label="It"), {"a": {"b": [LONG]}}),
        (gr.JSON(label="It"), {LONG: 1}),
        (gr.JSON(label="It"), [0] * (LONGEST_OTHER + 1)),
        (gr.Dropdown(label="It", choices=["a"], multiselect=True), ["a" * 1000] * 1000),
        (gr.File(label="It"), {"path": LONG}),
    ],
)
def test_what_is_longer_than_its_place_allows_is_refused_at_once(component, value):
    began = time.perf_counter()
    assert "It: This is longer than " in refusal(component, value)
    assert time.perf_counter() - began < 0.1


@pytest.mark.threat("T36")
def test_nested_deeper_than_anything_real_is_refused():
    value = []
    for _ in range(100_000):
        value = [value]
    assert "longer" in refusal(gr.JSON(), value)
    while value:
        value = value[0]  # or the end of the test would free it in one deep recursion


@pytest.mark.threat("S14")
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: str(type(value)))
def test_what_is_no_number_is_refused_by_the_name_of_its_place(value):
    assert refusal(gr.Number(label="Seed", precision=0), value).startswith("Seed: This is no number")


@pytest.mark.threat("S14")
@pytest.mark.parametrize("value", ["a\0", "\ud800", "\udfffb", ["x", {"y": "\0"}], {"\ud800": 1}])
def test_what_is_no_text_is_refused(value):
    component = gr.Textbox() if isinstance(value, str) else gr.JSON()
    assert "no text" in refusal(component, value)
    assert refusal(gr.Textbox(), {"a": 1}).endswith("This is no text.")


def test_what_fits_passes():
    values = [
        (gr.Textbox(), "größer 👩\u200d🚀\n\t"),
        (gr.Textbox(max_length=LONGEST_TEXT * 2), "a" * (LONGEST_TEXT * 2)),
        (gr.Textbox(), None),
        (gr.Number(), -1.5),
        (gr.Number(), LARGEST),
        (gr.State(), LONG),
        (gr.JSON(), {"a": [1, None, True, {"b": "c"}]}),
        (gr.Checkbox(), True),
    ]
    assert require_fit([one for one, _ in values], [value for _, value in values]) is None


@pytest.mark.threat("T36", "S14")
def test_a_handler_never_sees_what_does_not_fit():
    seen = []
    made = page(lambda text, number: seen.append((text, number)), gr.Textbox(), gr.Number(precision=0))
    for values in ((LONG, 1), ("a", float("nan")), ("\ud800", 1)):
        with pytest.raises(gr.Error, match="longer|no number|no text"):
            ask(made, *values)
    assert seen == []
    ask(made, "a", 7)
    assert seen == [("a", 7)]


@pytest.mark.threat("T34")
def test_an_error_that_nobody_foresaw_is_a_sentence_and_its_text_is_logged(caplog):
    def fail(_):
        raise OSError("no /home/me/secret.txt")

    with pytest.raises(gr.Error) as caught:
        ask(page(fail, gr.Textbox()), "a")
    assert caught.value.message == UNEXPECTED and "/home/me/secret.txt" in caplog.text


def test_an_error_for_a_person_and_one_of_gradio_keep_their_words():
    def fail(text):
        raise RunError("There is no run x.", "Choose another.") if text else gr.Error("Of Gradio.")

    with pytest.raises(gr.Error, match="There is no run x. Choose another."):
        ask(page(fail, gr.Textbox()), "a")
    with pytest.raises(gr.Error, match="Of Gradio."):
        ask(page(fail, gr.Textbox()), "")


@pytest.mark.threat("T36", "S14")
@pytest.mark.parametrize("pick", [LONG, None, 7, ["a"], {"a": 1}, "a\0", "\ud800"], ids=lambda pick: str(pick)[:9])
def test_a_pick_that_no_board_sends_is_none(pick):
    assert picked(SimpleNamespace(pick=pick)) == ""
    assert picked(SimpleNamespace()) == "" and picked(SimpleNamespace(pick="3-1:a")) == "3-1:a"
