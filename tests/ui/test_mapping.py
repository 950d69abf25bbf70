import gradio as gr
import pytest

from finetune.data.formats import FORMATS
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.ui import mapping
from finetune.ui.mapping import MOST_PARTS, Answers

SETTINGS = DataSettings(path="tickets.csv")
ASKED = Answers(
    "question_answer", ("ticket", "reply", None, None, None), "", "", 0.1, None, None, "auto", False, None, 0.1
)


def test_what_a_person_says_becomes_settings():
    said = ASKED._replace(roles="customer: user\nagent: assistant", system=" Be kind. ", group="when", share=0.2)
    settings = mapping.settings_of(said, SETTINGS)
    assert settings.columns == {"question": "ticket", "answer": "reply"} and settings.path == "tickets.csv"
    assert settings.roles == {"customer": "user", "agent": "assistant"}
    assert (settings.system, settings.group, settings.held_out_share) == ("Be kind.", "when", 0.2)


def test_a_new_format_looks_for_its_columns_itself():
    assert mapping.settings_of(ASKED, SETTINGS, with_columns=False).columns == {}
    assert mapping.settings_of(ASKED._replace(format="auto"), SETTINGS).columns == {}


def test_columns_can_be_put_together():
    said = ASKED._replace(columns=("{subject}: {body}", "reply", mapping.NONE, None, None))
    assert mapping.settings_of(said, SETTINGS).columns["question"] == "{subject}: {body}"


@pytest.mark.parametrize("change", [{"share": 3}, {"encoding": "ebcdic"}, {"system": "x" * 9999}])
def test_a_value_out_of_bounds_is_named(change):
    with pytest.raises(DataError) as raised:
        mapping.settings_of(ASKED._replace(**change), SETTINGS)
    assert raised.value.problems


@pytest.mark.parametrize("text", ["customer", "customer: boss", ": user"])
def test_roles_that_say_nothing_are_refused(text):
    with pytest.raises(DataError, match="who is who"):
        mapping.read_roles(text)
    assert mapping.read_roles("a: user, b: assistant\n") == {"a": "user", "b": "assistant"}


def test_the_form_shows_what_the_settings_say_and_what_was_found():
    said = {"roles": {"customer": "user"}, "system": "Be kind.", "stratify": "reply", "group": "gone"}
    settings = SETTINGS.changed(**said, replay="uploads/general.jsonl")
    with gr.Blocks():
        form = mapping.draw()
    values = mapping.filled(settings, "question_answer", ("ticket", "reply"), {"question": "ticket"})
    assert len(values) == len(form.inputs())
    format_, *columns = values[: 1 + MOST_PARTS]
    assert format_ == "question_answer" and columns[0].value == "ticket" and columns[1].value == mapping.NONE
    roles, system, share, group, stratify, *_, replay, _ = values[1 + MOST_PARTS :]
    assert roles == "customer: user" and system == "Be kind." and share == 0.1
    assert group.value == mapping.NONE and stratify.value == "reply"
    assert replay.value == "uploads/general.jsonl" and ("general.jsonl", replay.value) in replay.choices


def test_answers_are_by_name():
    given = ["auto", *["x"] * MOST_PARTS, "a: user", "sys", 0.3, None, None, "utf-8", True, "general.jsonl", 0.2]
    said = mapping.answers(tuple(given))
    assert said.columns == ("x",) * MOST_PARTS and said.whole_text is True and said.encoding == "utf-8"


def test_there_is_a_chooser_for_each_part_of_each_format():
    for name, form in FORMATS.items():
        assert {part.name for part in mapping.parts_of(name)} == {part.name for part in form.parts}
        assert [part.required for part in mapping.parts_of(name)] == sorted(
            (part.required for part in form.parts), reverse=True
        )
