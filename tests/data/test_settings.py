import pytest
from pydantic import ValidationError

from finetune.data.settings import DataSettings
from finetune.settings import fields


def test_a_path_is_enough():
    settings = DataSettings(path="a.csv")
    assert (settings.format, settings.columns, settings.held_out_share) == ("auto", {}, 0.1)


def test_every_setting_says_what_it_does():
    assert all(field.help.endswith(".") for field in fields(DataSettings))


@pytest.mark.parametrize("values", [{}, {"path": "a", "held_out_share": 0.9}, {"path": "a", "colums": {}}])
def test_values_out_of_bounds_are_refused(values):
    with pytest.raises(ValidationError):
        DataSettings(**values)
