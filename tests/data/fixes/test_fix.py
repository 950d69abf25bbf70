import pytest
from pydantic import ValidationError

from finetune.data.dataset import Dataset
from finetune.data.fixes import MENDS
from finetune.data.fixes.fix import Mend
from finetune.data.settings import DataSettings
from finetune.data.table import Table
from tests.rows import clean, read

LIST = [
    {"type": "drop", "rows": "2-3"},
    {"type": "correct", "row": 1, "values": {"completion": "Better."}},
    {"type": "add", "values": {"prompt": "q", "completion": "a"}},
    {"type": "mask", "kinds": ["e-mail"]},
    {"type": "deduplicate", "near": True},
]


def test_a_mend_changes_nothing_unless_it_says_so():
    table, dataset = Table("CSV"), Dataset("chat", "chat", "Chat", "", 1.0, {})
    assert Mend(type="none").on_table(table) is table
    assert Mend(type="none").on_dataset(dataset) is dataset


def test_each_mend_is_written_in_a_recipe_and_read_back():
    assert [each["type"] for each in LIST] == sorted(MENDS, key=[each["type"] for each in LIST].index)
    settings = DataSettings(path="a.csv", mends=LIST)
    assert [type(mend) for mend in settings.mends] == [MENDS[each["type"]] for each in LIST]
    assert DataSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert settings.model_dump(mode="json")["mends"][0] == LIST[0]


@pytest.mark.parametrize("values", LIST, ids=[each["type"] for each in LIST])
def test_each_mend_says_what_it_did(values):
    (mend,) = DataSettings(path="a.csv", mends=[values]).mends
    assert not mend.words[0].islower() and mend.words.endswith(".")


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
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(ValidationError):
        DataSettings(path="a.csv", mends=[values])


def test_mends_follow_each_other_and_undo_is_the_list_without_the_last():
    settings = DataSettings(path="a.csv", mends=LIST)
    rows = clean(4)
    mended = read(rows, *settings.mends)
    assert mended.rows == [1, 4, 5]
    assert (
        mended.examples[0]["completion" if "completion" in mended.examples[0] else "messages"][-1]["content"]
        == "Better."
    )
    assert read(rows, *settings.mends[:0]).rows == [1, 2, 3, 4]
