import gradio as gr
import pytest

from finetune.inference.panel import Column, Said
from finetune.runs import kept
from finetune.runs.kept import ANSWERS, CORRECTIONS
from finetune.ui.compare import keeping
from finetune.ui.compare.talk import Talk, Turn

RUN = "003-x"
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
SAID = (Said("So.", 2, 0.1, 9.0, ended=True), Said("Arr.", 2, 0.1, 9.0, ended=True))
TALK = Talk(
    RUN,
    (Column(RUN, is_base=True), Column(RUN)),
    tuple(Turn(q, 7, False, (ASKED, ASKED), SAID, True) for q in ("Why?", "How?")),
)


def test_a_good_answer_is_kept_with_its_whole_conversation(studio):
    _, _, talk, pane, _, _, note = keeping.act(studio, "keep:0:1", TALK, True)
    assert kept.count(studio.workspace, ANSWERS) == 1 and talk.turns[0].kept == {1}
    assert "Kept as a training row" in pane and "“Answers you kept”: 1 row." in note
    text = ANSWERS.path(studio.workspace).read_text()
    assert all(f'"content": "{each}"' in text for each in ("Be brief.", "Why?", "Arr."))


def test_a_bad_answer_is_corrected_in_a_form(studio):
    question, at, talk, pane, form, text, _ = keeping.act(studio, "correct:1:0", TALK, True)
    assert at == (1, 0) and form.visible and text.value == "So." and "“Base” to question 2" in text.label
    talk, pane, form, _, note = keeping.save(studio, at, "Because.", TALK, True)
    assert kept.count(studio.workspace, CORRECTIONS) == 1 and talk.turns[1].corrected == {0}
    assert not form.visible and "“Corrections”: 1 pair." in note and "Corrected, kept as a pair" in pane


def test_a_correction_that_changes_nothing_is_refused_and_the_form_stays(studio):
    talk, pane, form, text, note = keeping.save(studio, (0, 0), "So.", TALK, True)
    assert "same as before" in note and [talk, pane, form, text] == [gr.skip()] * 4
    assert kept.count(studio.workspace, CORRECTIONS) == 0


def test_a_full_disk_is_reported(studio, monkeypatch):
    from finetune.errors import DiskError

    def fail(*_):
        raise DiskError("The disk is full, so the row was not kept.")

    monkeypatch.setattr(keeping.kept, "keep", fail)
    _, _, talk, *_, note = keeping.act(studio, "keep:0:1", TALK, True)
    assert "role='alert'" in note and talk == gr.skip()


def test_a_question_goes_back_to_the_box_and_later_turns_are_dropped(studio):
    question, _, talk, pane, form, *_ = keeping.act(studio, "edit:1", TALK, True)
    assert question == "How?" and talk.turns == TALK.turns[:1] and "How?" not in pane and not form.visible


@pytest.mark.parametrize("pick", ["keep:0", "keep:2:0", "keep:0:2", "keep:-1:0", "keep:0:x", "correct:", "edit:9", ""])
def test_a_button_that_is_not_there_does_nothing(studio, pick):
    assert all(each == gr.skip() for each in keeping.act(studio, pick, TALK, True))
    assert kept.count(studio.workspace, ANSWERS) == 0


@pytest.mark.parametrize("at", [None, (5, 0), (0, 5)])
def test_an_answer_that_is_gone_is_not_corrected(studio, at):
    keeping.save(studio, at, "Because.", TALK, True)
    assert kept.count(studio.workspace, CORRECTIONS) == 0
