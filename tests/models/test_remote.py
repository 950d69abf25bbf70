"""What the Hub says of a model: which of its files are needed, and why it does not give them."""

import pytest

from finetune.errors import ModelError
from finetune.models.download import obtain
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo
from tests.models.test_download import MODEL, OTHERS, WEIGHTS, content


def test_of_weights_that_are_there_twice_the_shards_of_the_index_are_taken(serve, files):
    index = b'{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    sharded = {f"model-0000{n}-of-00002.safetensors": files[WEIGHTS] for n in (1, 2)}
    small = {name: each for name, each in files.items() if name != WEIGHTS}
    more = {"model.safetensors.index.json": index, "adapter_model.safetensors": b"x", WEIGHTS: files[WEIGHTS]}
    with serve(Repo({**small, **sharded, **more})):
        taken = obtain(MODEL)
    assert {path.name for path in taken.glob("*.safetensors")} == sharded.keys()


@pytest.mark.parametrize(
    "changes, revision, message, hint",
    [
        ({"refuses": (403, "GatedRepo"), "gated": "manual"}, None, "me/model is gated", "huggingface.co/me/model"),
        ({"error": (401, "RepoNotFound")}, None, "There is no model me/model on the Hub, or it is private", "spelling"),
        ({"error": (401, "")}, None, "does not let this machine read me/model (it answered 401)", "hf auth login"),
        ({"error": (403, "")}, None, "does not let this machine read me/model (it answered 403)", "hf auth login"),
        ({"error": (503, "")}, None, "could not be read from the Hub: it answered 503", "later"),
        ({}, "v9", "me/model has no version “v9” on the Hub", "commit"),
        ({"sizes": {WEIGHTS: 5000}}, None, "has 5,000 bytes in the Hub's list, but the Hub sends", "version"),
        ({"refuses": (404, "EntryNotFound")}, None, "me/model", ""),
    ],
)
def test_each_refusal_is_a_sentence(serve, files, changes, revision, message, hint):
    with serve(Repo(files, **changes)), pytest.raises(ModelError) as caught:
        obtain(ModelSettings(id="me/model", revision=revision))
    assert message in caught.value.message and hint in caught.value.hint and caught.value.__cause__ is None


def test_a_mirror_that_lists_names_only_is_asked_for_each_file(serve, files):
    with serve(Repo({**files, **OTHERS}, lists_names_only=True)) as hub:
        assert content(obtain(MODEL)) == files
    assert not any(path.endswith("pytorch_model.bin") for _, path, _ in hub.asked)


def test_a_name_that_leads_elsewhere_is_left_out(serve, files):
    with serve(Repo({**files, "../../evil.json": b"{}"})):
        assert "evil.json" not in content(obtain(MODEL))
