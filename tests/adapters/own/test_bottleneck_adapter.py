import pytest
from torch import nn

from finetune.adapters.own.bottleneck_adapter import TYPE, BottleneckConfig, BottleneckLayer


def test_its_type_is_known_to_peft():
    from peft import PeftConfig
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    assert PEFT_TYPE_TO_CONFIG_MAPPING[TYPE] is BottleneckConfig and issubclass(BottleneckConfig, PeftConfig)


def test_it_cannot_be_merged():
    with pytest.raises(NotImplementedError, match="not linear"):
        BottleneckLayer(nn.Linear(4, 6), "default", 2, False).merge()
