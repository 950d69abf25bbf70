import re

from finetune.adapters import ADAPTERS


def test_each_adapter_speaks_to_both_readers():
    for adapter in ADAPTERS.values():
        assert adapter.title and adapter.plain.endswith(".") and adapter.engineer.endswith(".")
        assert adapter.analogy.endswith(".") and adapter.avoid.endswith(".")
        assert re.search(r"(19|20)\d\d,", adapter.paper), "who, and when"


def test_an_adapter_without_configuration_trains_the_base():
    for adapter in ADAPTERS.values():
        assert adapter().trains_base() == (adapter().peft_config() is None)
