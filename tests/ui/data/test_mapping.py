import gradio as gr
import pytest

from finetune.data.formats import FORMATS
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.ui.data import mapping
from finetune.ui.data.mapping import INPUTS, MOST_PARTS

SETTINGS = DataSettings(path="tickets.csv")


def given(format_="question_answer", columns=("ticket", "reply"), **others):
    """The values of the form: as it is drawn, but for those that are named by their setting."""
    columns = [*columns, *[None] * (MOST_PARTS - len(columns))]
    return (
        format_,
        *columns,
        *(others.get(each.setting, each.write(getattr(SETTINGS, each.setting))) for each in INPUTS),
    )


def test_what_a_person_enters_becomes_settings():
    values = given(roles="customer: user\nagent: assistant", system=" Be kind. ", group="when", held_out_share=20)
    settings = mapping.settings_of(values, SETTINGS)
    assert settings.columns == {"question": "ticket", "answer": "reply"} and settings.path == "tickets.csv"
    assert settings.roles == {"customer": "user", "agent": "assistant"}
    assert (settings.system, settings.group, settings.held_out_share) == ("Be kind.", "when", 0.2)


def test_a_new_format_detects_its_columns():
    assert mapping.settings_of(given(), SETTINGS, with_columns=False).columns == {}
    assert mapping.settings_of(given("auto"), SETTINGS).columns == {}


def test_columns_can_be_put_together():
    values = given(columns=("{subject}: {body}", "reply", mapping.NONE))
    assert mapping.settings_of(values, SETTINGS).columns["question"] == "{subject}: {body}"


@pytest.mark.parametrize("change", [{"encoding": "ebcdic"}, {"system": "x" * 9999}])
def test_a_value_out_of_bounds_is_named(change):
    with pytest.raises(DataError) as raised:
        mapping.settings_of(given(**change), SETTINGS)
    assert raised.value.problems


@pytest.mark.parametrize("percent", [51, -1, 300])
def test_a_share_out_of_bounds_is_refused_in_percent(percent):
    with pytest.raises(DataError, match=f"{percent} % of the rows cannot be held out"):
        mapping.settings_of(given(held_out_share=percent), SETTINGS)


@pytest.mark.parametrize("text", ["customer", "customer: boss", ": user"])
def test_text_that_names_no_role_is_refused(text):
    with pytest.raises(DataError, match="names no role"):
        mapping.read_roles(text)
    assert mapping.read_roles("a: user, b: assistant\n") == {"a": "user", "b": "assistant"}


def test_the_form_shows_what_the_settings_say_and_what_was_found():
    chosen = {"roles": {"customer": "user"}, "system": "Be kind.", "stratify": "reply", "group": "gone"}
    settings = SETTINGS.changed(**chosen, held_out_share=0.07)
    with gr.Blocks():
        form = mapping.draw()
    values = mapping.filled(settings, "question_answer", ("ticket", "reply"), {"question": "ticket"})
    assert len(values) == len(form.inputs())
    format_, *columns = values[: 1 + MOST_PARTS]
    assert format_ == "question_answer" and columns[0].value == "ticket" and columns[1].value == mapping.NONE
    others = dict(zip([each.setting for each in INPUTS], values[1 + MOST_PARTS :]))
    assert others["roles"] == "customer: user" and others["system"] == "Be kind." and others["held_out_share"] == 7
    assert others["group"].value == mapping.NONE and others["stratify"].value == "reply"


def test_the_sheets_of_a_workbook_are_offered():
    sheet = next(each for each in INPUTS if each.is_sheet)
    one, two = (sheet.filled(SETTINGS.changed(sheet="B"), (), sheets) for sheets in (("B",), ("A", "B")))
    assert not one.visible and two.visible and two.value == "B" and len(two.choices) == 3
    assert sheet.read(mapping.FIRST) is None and sheet.read("A") == "A" and sheet.write(None) == mapping.FIRST


def test_an_untouched_form_changes_nothing():
    settings = SETTINGS.changed(roles={"a": "user"}, system="Be kind.", held_out_share=0.35, encoding="utf-8")
    values = [each.write(getattr(settings, each.setting)) for each in INPUTS]
    assert mapping.settings_of(("auto", *[None] * MOST_PARTS, *values), settings) == settings


def test_there_is_a_chooser_for_each_part_of_each_format():
    for name, form in FORMATS.items():
        assert {part.name for part in mapping.parts_of(name)} == {part.name for part in form.fields}
        assert [part.required for part in mapping.parts_of(name)] == sorted(
            (part.required for part in form.fields), reverse=True
        )
