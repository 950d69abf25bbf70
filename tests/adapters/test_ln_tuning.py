import pytest
from peft import get_peft_model

from finetune.adapters.ln_tuning import LNTuning
from finetune.errors import ModelError
from tests import zoo


@pytest.mark.parametrize(("name", "count"), [("llama", 5), ("qwen3", 9), ("gpt2", 10), ("gemma2", 9), ("mamba", 3)])
def test_every_norm_of_the_decoder_is_trained_and_nothing_else(name, count):
    model = zoo.model(name)
    tuned = get_peft_model(model, LNTuning().peft_config(model))
    trained = [name for name, weight in tuned.named_parameters() if weight.requires_grad]
    assert len(trained) == count and all("ln_tuning_layers" in name for name in trained)


def test_norms_without_weights_are_refused():
    with pytest.raises(ModelError, match=r"The norms of this model \(olmo\) have no weights"):
        LNTuning().peft_config(zoo.model("olmo"))
