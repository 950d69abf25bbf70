import pytest
from pydantic import ValidationError

from finetune.data.dataset import Dataset
from finetune.data.fixes import FIXES, offering
from finetune.data.fixes.fix import Fix
from finetune.data.settings import DataSettings
from finetune.data.table import Table
from finetune.errors import DataError
from tests.rows import clean, read

LIST = [
    {"type": "drop", "rows": "2-3"},
    {"type": "correct", "row": 1, "values": {"completion": "Better."}},
    {"type": "add", "values": {"prompt": "q", "completion": "a"}},
    {"type": "mask", "kinds": ["e-mail"]},
    {"type": "deduplicate", "near": True},
    {"type": "join"},
    {"type": "greeting", "question": "Hello."},
    {"type": "later_system"},
    {"type": "no_system"},
    {"type": "trim"},
]


def test_a_fix_changes_nothing_by_default():
    table, dataset = Table("CSV"), Dataset("chat", "chat", "Chat", "", 1.0, {})
    assert Fix(type="none").on_table(table) is table
    assert Fix(type="none").on_dataset(dataset) is dataset
    assert Fix(type="none").on_example({"text": "a"}) == {"text": "a"}


def test_a_fix_with_a_button_says_what_it_solves_and_names_no_row():
    offered = {name: fix for name, fix in FIXES.items() if fix.button}
    assert set(offered) == {"join", "greeting", "later_system", "no_system"}
    assert all(fix.fault[0] and fix.fault[1] and fix.everywhere and fix().type == name for name, fix in offered.items())


def test_an_error_leads_to_the_fix_that_solves_it():
    error = offering(DataError("It is so.", "Change it."), "join")
    assert (
        error.fix == "join"
        and error.hint.startswith("The button “Join them” on the page fixes this;")
        and error.hint.endswith(" does. Change it.")
    )
    assert offering(DataError("It is so."), "").fix == ""


def test_each_fix_is_written_in_a_recipe_and_read_back():
    assert [each["type"] for each in LIST] == sorted(FIXES, key=[each["type"] for each in LIST].index)
    settings = DataSettings(path="a.csv", fixes=LIST)
    assert [type(fix) for fix in settings.fixes] == [FIXES[each["type"]] for each in LIST]
    assert DataSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert settings.model_dump(mode="json")["fixes"][0] == LIST[0]


@pytest.mark.parametrize("values", LIST, ids=[each["type"] for each in LIST])
def test_each_fix_says_what_it_did(values):
    (fix,) = DataSettings(path="a.csv", fixes=[values]).fixes
    assert not fix.words[0].islower() and fix.words.endswith(".")


@pytest.mark.parametrize(
    "values",
    [
        {"type": "other"},
        {"type": "drop", "rows": "all"},
        {"type": "correct", "row": 0, "values": {"a": 1}},
        {"type": "correct", "row": 1, "values": {}},
        {"type": "add", "values": {}},
        {"type": "mask", "kinds": ["name"]},
    ],
)
def test_invalid_fixes_are_refused(values):
    with pytest.raises(ValidationError):
        DataSettings(path="a.csv", fixes=[values])


def test_fixes_apply_in_order_and_undo_is_the_list_without_the_last():
    settings = DataSettings(path="a.csv", fixes=LIST)
    rows = clean(4)
    fixed = read(rows, *settings.fixes)
    assert fixed.rows == [1, 4, 5]
    assert (
        fixed.examples[0]["completion" if "completion" in fixed.examples[0] else "messages"][-1]["content"] == "Better."
    )
    assert read(rows, *settings.fixes[:0]).rows == [1, 2, 3, 4]
