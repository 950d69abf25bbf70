import pytest
from pydantic import ValidationError

from finetune.adapters.lora import LoRA


def test_settings_reach_peft():
    config = LoRA(rank=8, alpha=4, dropout=0.1).peft_config()
    assert (config.r, config.lora_alpha, config.lora_dropout) == (8, 4, 0.1)
    assert config.target_modules == "all-linear"


def test_the_base_is_frozen():
    assert not LoRA().trains_base()


@pytest.mark.parametrize("settings", [{"rank": 0}, {"dropout": 1.0}, {"alpha": -1}, {"r": 8}])
def test_values_out_of_bounds_are_refused(settings):
    with pytest.raises(ValidationError):
        LoRA(**settings)
