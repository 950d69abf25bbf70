"""What adapters with virtual tokens share: their number is checked, and takes its place in the model's positions."""

import pytest

from finetune.adapters import ADAPTERS
from finetune.adapters.virtual_tokens import VirtualTokens
from finetune.recipe import Recipe
from finetune.settings import fields

BEFORE_PROMPTS = [name for name, cls in ADAPTERS.items() if cls.attaches_to == "prompt"]


@pytest.mark.parametrize("name", BEFORE_PROMPTS)
def test_the_virtual_tokens_stand_in_the_positions_of_the_model(name):
    cls = ADAPTERS[name]
    assert issubclass(cls, VirtualTokens)
    assert cls(virtual_tokens=7).own_positions() == 7 and ADAPTERS["lora"]().own_positions() == 0
    assert fields(cls)[0].name == "virtual_tokens", "the first setting of the form"
    assert not cls.merges and not cls.packs


@pytest.mark.parametrize("name", BEFORE_PROMPTS)
def test_a_number_that_cannot_be_is_refused_by_its_name(name):
    with pytest.raises(Exception, match=r"adapter\.virtual_tokens"):
        Recipe.from_dict({"data": {"path": "rows.jsonl"}, "adapter": {"type": name, "virtual_tokens": 0}})
