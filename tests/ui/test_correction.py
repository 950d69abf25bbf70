import gradio as gr
import pytest

from finetune.ui import correction, data
from finetune.ui.correction import MOST_COLUMNS
from finetune.ui.data import Shown, show
from finetune.ui.studio import counting

BY = ("tiny", "512", "own")


@pytest.fixture
def chosen(studio, with_tiny, tmp_path):
    path = tmp_path / "qa.csv"
    path.write_text("id,question,answer\n" + "".join(f"{n},What is {n}?,It is {n}.\n" for n in range(12)))
    return show(studio, studio.add_upload(path, path.name), "qa", counting(*BY)).chosen


def shown(values) -> Shown:
    return data.Shown(*values[:10], values[10:-2], values[-2])


def test_a_row_is_left_out_and_comes_back(studio, chosen):
    tab = shown(correction.drop_row(studio, show, chosen, 2, *BY))
    assert tab.chosen.rows == 11 and "Row 3 was left out." in tab.result and "What is 3?" in tab.preview
    back = data.act(studio, "undo:0", tab.chosen, *BY)
    assert shown(back[2:]).chosen.rows == 12


def test_the_form_opens_with_the_row_that_is_shown(studio, chosen):
    number, group, heading, _, *boxes = correction.open_form(studio, False, chosen, 4, *BY)
    assert number == 5 and group.visible and "Row 5" in heading
    assert [box.label for box in boxes if box.visible] == ["question", "answer", "id"]
    assert boxes[0].value == "What is 4?" and len(boxes) == MOST_COLUMNS


def test_a_correction_is_part_of_the_recipe_and_the_file_stays(studio, chosen):
    before = studio.paths(chosen.settings)[0].read_bytes()
    texts = ["What is four?", "Four.", "4", None, None, None]
    problem, *values = correction.save_row(studio, show, 1, 5, chosen, 4, *BY, *texts)
    tab = shown(values)
    assert problem == "" and "What is four?" in tab.preview and "Four." in tab.preview
    (mend,) = tab.chosen.settings.mends
    assert mend.row == 5 and mend.values == {"question": "What is four?", "answer": "Four."}
    assert studio.paths(chosen.settings)[0].read_bytes() == before


def test_saving_without_a_change_changes_nothing(studio, chosen):
    _, *values = correction.save_row(
        studio, show, 1, 5, chosen, 4, *BY, "What is 4?", "It is 4.", "4", None, None, None
    )
    assert shown(values).chosen.settings.mends == ()


def test_a_row_can_be_added(studio, chosen):
    number, *_ = correction.open_form(studio, True, chosen, 0, *BY)
    assert number is None
    _, *values = correction.save_row(studio, show, 1, None, chosen, 0, *BY, "And 99?", "Many.", "", None, None, None)
    assert shown(values).chosen.rows == 13


def test_an_empty_new_row_is_refused_and_nothing_is_lost(studio, chosen):
    values = correction.save_row(studio, show, 3, None, chosen, 0, *BY, *[""] * MOST_COLUMNS)
    assert "empty" in values[0] and values[1:] == [gr.skip()] * 3


def test_a_conversation_is_corrected_turn_by_turn(studio, with_tiny):
    chosen = data.take(studio, lambda: data.intake.from_sample("pirate-voice.jsonl"), counting(*BY)).chosen
    _, _, _, _, *boxes = correction.open_form(studio, False, chosen, 0, *BY)
    text = boxes[0].value
    assert text.startswith("user: ")
    problem, *values = correction.save_row(studio, show, 1, 1, chosen, 0, *BY, text + " Arr arr!", *[None] * 5)
    assert problem == "" and "Arr arr!" in shown(values).preview
    problem, *_ = correction.save_row(studio, show, 1, 1, chosen, 0, *BY, "no speaker", *[None] * 5)
    assert "Begin each turn with" in problem


def test_a_row_that_was_refused_can_be_corrected(studio, with_tiny, tmp_path):
    path = tmp_path / "qa.csv"
    path.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(12)) + "What else?,\n")
    tab = show(studio, studio.add_upload(path, path.name), "qa", counting(*BY))
    assert "data-pick='row:13'" in tab.result and tab.chosen.rows == 12
    number, group, _, _, *boxes = correction.open_row(studio, "row:13", tab.chosen, *BY)
    assert number == 13 and group.visible and [box.value for box in boxes[:2]] == ["What else?", ""]
    texts = ["What else?", "Nothing.", *[None] * (MOST_COLUMNS - 2)]
    _, *values = correction.save_row(studio, show, 1, 13, tab.chosen, 0, *BY, *texts)
    assert shown(values).chosen.rows == 13
    for pick in ("mend:duplicates", "row:x"):
        assert correction.open_row(studio, pick, tab.chosen, *BY) == [gr.skip()] * (4 + MOST_COLUMNS)
    assert data.act(studio, "row:13", tab.chosen, *BY)[2] == gr.skip()
