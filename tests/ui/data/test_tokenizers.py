import pytest

from finetune.models.preview import preview
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo


def test_a_model_that_is_not_here_is_not_downloaded_to_look_at_data(desk, monkeypatch):
    monkeypatch.setattr(desk.tokenizers, "load", lambda model: model.id)
    used, note = desk.tokenizers.for_counting(ModelSettings(id="someone/some-model"))
    assert used == "starter" and "someone/some-model is not on this machine yet" in note


def test_a_model_that_was_inspected_on_the_hub_counts_with_its_own_tokenizer(desk, serve, files):
    with serve(Repo(files)) as hub:
        assert preview(ModelSettings(id="me/model")).inspection
        asked = len(hub.asked)
        used, note = desk.tokenizers.for_counting(ModelSettings(id="me/model"))
        assert len(used) == 259 and not note and len(hub.asked) == asked


@pytest.mark.parametrize("model_id", ["my-model", "no id/at-all"])
def test_what_names_no_model_on_the_hub_is_told_by_who_loads_it(desk, model_id):
    _, note = desk.tokenizers.for_counting(ModelSettings(id=model_id))
    assert "There is no model" in note and "These are the starter's tokens" in note
