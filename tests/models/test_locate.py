import pytest
from pydantic import ValidationError

from finetune.errors import ModelError
from finetune.models.locate import STARTER, locate
from finetune.recipe import ModelSettings
from tests.models.damage import edit_config


def refusal(workspace, name="broken"):
    with pytest.raises(ModelError) as caught:
        locate(ModelSettings(id=name), workspace)
    return caught.value


def test_the_starter_and_local_folders_are_found(with_tiny):
    assert locate(ModelSettings(), with_tiny) == STARTER
    assert locate(ModelSettings(id="tiny"), with_tiny) == with_tiny.models_dir / "tiny"


@pytest.mark.threat("T18", "T28")
@pytest.mark.parametrize(
    "name", ["nothing", "..", ".", "../secrets", "../runs", "/etc", "a/b/c", "a/..", "https://example.com/x"]
)
def test_an_id_that_is_neither_folder_nor_hub_model_is_refused(workspace, name):
    (workspace.path / "secrets").mkdir()
    with pytest.raises(ModelError, match="There is no model"):
        locate(ModelSettings.model_construct(id=name, revision=None), workspace)
    assert name == "nothing" or not _is_taken(name)


def _is_taken(name) -> bool:
    try:
        return bool(ModelSettings(id=name))
    except ValidationError:
        return False


def test_a_hub_model_offline_is_refused_in_one_sentence(workspace):
    error = refusal(workspace, "someone/some-model")
    assert "could not be looked up on the Hub" in error.message and "starter" in error.hint


@pytest.mark.threat("T28")
def test_a_local_folder_does_not_shadow_the_hub(with_tiny, tiny_model):
    (with_tiny.models_dir / "someone").mkdir()
    (with_tiny.models_dir / "someone" / "some-model").symlink_to(tiny_model)
    assert "could not be looked up on the Hub" in refusal(with_tiny, "someone/some-model").message


@pytest.mark.threat("T19")
def test_weights_in_other_formats_are_refused(broken, with_tiny):
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    assert "no safetensors" in refusal(with_tiny).message


@pytest.mark.threat("T23", "T27")
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"_attn_implementation": "org/kernel"}, "loads code from another repository"),
        ({"num_hidden_layers": 200_000}, "num_hidden_layers = 200,000"),
    ],
)
def test_a_malicious_config_is_refused_before_it_is_loaded(broken, with_tiny, changes, words):
    edit_config(broken, **changes)
    assert words in refusal(with_tiny).message
