import pytest

from finetune.recipe import ModelSettings
from finetune.ui.data.tokenizers import is_local


def test_a_model_that_is_not_here_is_not_downloaded_to_look_at_data(desk, monkeypatch):
    monkeypatch.setattr(desk.tokenizers, "load", lambda model: model.id)
    used, note = desk.tokenizers.for_counting(ModelSettings(id="someone/some-model"))
    assert used == "starter" and "someone/some-model is not on this machine yet" in note


@pytest.mark.parametrize("model_id", ["starter", "my-model", "no id at all/at/all", "", None])
def test_what_names_no_model_on_the_hub_is_not_waited_for(model_id):
    assert is_local(model_id)
    assert not is_local("someone/some-model")
