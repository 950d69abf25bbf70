import pytest

from finetune.errors import ModelError
from finetune.models.reading import from_files, require_complete
from tests.models.damage import edit_tensors

WHOLE = {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()}


def refused(**report) -> str:
    with pytest.raises(ModelError) as caught:
        require_complete(WHOLE | report, "mine")
    return caught.value.message


def test_a_whole_model_is_accepted():
    assert require_complete(WHOLE, "mine") is None


@pytest.mark.parametrize(
    "name",
    ["mtp.layers.0.mlp.up_proj.weight", "model.visual.blocks.0.attn.qkv.weight", "model.layers.0.rotary_emb.inv_freq",
     "vision_tower.encoder.layers.0.mlp.fc1.weight", "score.weight", "transformer.h.0.attn.bias", "v_head.summary.x"],
)  # fmt: skip
def test_tensors_that_a_language_model_can_do_without_are_left_out(name):
    assert require_complete(WHOLE | {"unexpected_keys": {name}}, "mine") is None


@pytest.mark.parametrize(
    "name", ["model.layers.24.mlp.up_proj.weight", "base_model.model.q_proj.lora_A.weight", "x.qweight", "lm_head.bias"]
)
def test_tensors_that_have_no_place_are_refused(name):
    assert name in refused(unexpected_keys={name, "score.weight"})


def test_a_missing_tensor_is_named_with_what_is_there_instead():
    words = refused(missing_keys={"b.weight", "a.weight"}, unexpected_keys={"_orig_mod.a.weight"})
    assert "2 tensors of the model mine is missing" in words
    assert "such as a.weight" in words and "such as _orig_mod.a.weight" in words


def test_another_shape_is_said():
    assert "a.weight is (3, 4) instead of (3, 5)" in refused(mismatched_keys={("a.weight", (3, 4), (3, 5))})


def test_errors_of_the_libraries_become_a_sentence(broken):
    edit_tensors(broken, lambda tensors: tensors)
    path = broken / "model.safetensors"
    path.write_bytes(b"\x10" + path.read_bytes()[1:])
    with pytest.raises(ModelError, match="The model mine cannot be loaded: "):
        from_files(broken, "mine")
