import gradio as gr
import pytest

from finetune.data.fixes.add import Add
from finetune.data.fixes.correct import Correct
from finetune.errors import DataError
from finetune.ui.data import correction
from finetune.ui.data.correction import MOST_COLUMNS
from finetune.ui.data.counting import Counting

BY = Counting.of("tiny", "512", "own")


@pytest.fixture
def chosen(table):
    return table("id,question,answer\n" + "".join(f"{n},What is {n}?,It is {n}.\n" for n in range(12))).chosen


@pytest.fixture
def dataset(desk, chosen):
    return desk.checked(chosen.settings, BY).dataset


def test_the_form_opens_with_the_row_that_is_shown(desk, chosen):
    number, group, heading, _, *boxes = correction.open_form(desk, False, BY, chosen, 4)
    assert number == 5 and group.visible and "Row 5" in heading
    assert [box.label for box in boxes if box.visible] == ["question", "answer", "id"]
    assert boxes[0].value == "What is 4?" and len(boxes) == MOST_COLUMNS


def test_the_form_opens_empty_for_a_new_row(desk, chosen):
    number, group, heading, _, *boxes = correction.open_form(desk, True, BY, chosen, 4)
    assert number is None and group.visible and "new row" in heading
    assert [box.value for box in boxes if box.visible] == ["", "", ""]


def test_the_form_opens_with_the_row_that_is_named(desk, chosen):
    assert correction.open_row(desk, "7", chosen, BY)[0] == 7
    assert correction.open_row(desk, "x", chosen, BY) == [gr.skip()] * (4 + MOST_COLUMNS)


def test_open_closed_and_refused_are_as_many_values_as_the_form_has(desk, chosen):
    with gr.Blocks():
        form = correction.draw()
    opened = correction.open_row(desk, "7", chosen, BY)
    for values in (opened, correction.closed(), correction.refused("No.")):
        assert len(values) == len(form.opened())


def test_what_is_written_is_a_fix_of_what_differs(dataset):
    same = ("What is 4?", "It is 4.", "4", None, None, None)
    assert correction.written(dataset, 5, 1, same) is None
    assert correction.written(dataset, 5, 1, ("What?", *same[1:])) == Correct(row=5, values={"question": "What?"})
    added = {"question": "What?", "answer": "That.", "id": ""}
    assert correction.written(dataset, None, 1, ("What?", "That.", "", None, None, None)) == Add(values=added)


def test_an_empty_new_row_is_refused(dataset):
    with pytest.raises(DataError, match="empty"):
        correction.written(dataset, None, 1, ("",) * MOST_COLUMNS)
