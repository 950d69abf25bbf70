import json
import shutil

import pytest

from finetune.errors import ModelError
from finetune.models.files import has_weights, read_config, require_files, text_config
from tests.models.damage import POINTER


def refused(folder) -> str:
    with pytest.raises(ModelError) as caught:
        read_config(folder, "mine")
        require_files(folder, "mine")
    assert caught.value.hint
    return str(caught.value)


def test_a_whole_folder_is_accepted(tiny_model):
    assert read_config(tiny_model, "tiny")["model_type"] == "qwen2"
    require_files(tiny_model, "tiny")
    assert has_weights(tiny_model)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_pointer_of_git_is_called_what_it_is(broken, name):
    (broken / name).write_text(POINTER)
    assert f"{name} of the model mine is not the file itself but a pointer" in refused(broken)
    assert "git lfs pull" in refused(broken)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_said_with_its_sizes(broken, left):
    path = broken / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * left)])
    assert "is incomplete: " in refused(broken) and "MB are there" in refused(broken)


@pytest.mark.parametrize("content", [b"", b"\x00" * 4, b"<!DOCTYPE html><html>", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]"])
def test_what_is_no_safetensors_file_is_refused(broken, content):
    (broken / "model.safetensors").write_bytes(content)
    assert "is not a whole safetensors file" in refused(broken)


def test_a_missing_file_of_a_sharded_model_is_named(broken):
    weights = {"a": "model.safetensors", "b": "model-00002-of-00003.safetensors"}
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert "model-00002-of-00003.safetensors of the model mine is missing" in refused(broken)
    assert not has_weights(broken)


@pytest.mark.parametrize("index", ["[]", "{", '{"weight_map": []}', "null"])
def test_a_damaged_index_is_refused(broken, index):
    (broken / "model.safetensors.index.json").write_text(index)
    assert "model.safetensors.index.json of the model mine is damaged" in refused(broken)


def test_a_model_without_a_tokenizer_is_refused(broken):
    for file in broken.glob("*token*"):
        file.unlink()
    assert "has no tokenizer" in refused(broken)


def test_an_adapter_is_no_model(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "owner/base"}))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    assert "mine is an adapter for owner/base, not a model" in refused(tmp_path)
    (tmp_path / "adapter_config.json").write_text("[")
    assert "mine is an adapter, not a model" in refused(tmp_path)


def test_a_gguf_file_is_no_model_that_can_be_trained(tmp_path):
    (tmp_path / "model-Q4_K_M.gguf").write_bytes(b"GGUF")
    assert "is a GGUF file" in refused(tmp_path)


@pytest.mark.parametrize("content", [None, "", "[]", "{", "\xff"])
def test_a_folder_without_a_readable_config_is_refused(broken, content):
    (broken / "config.json").unlink() if content is None else (broken / "config.json").write_text(content)
    assert "has no readable config.json" in refused(broken)


def test_other_formats_are_refused(broken):
    shutil.move(broken / "model.safetensors", broken / "pytorch_model.bin")
    assert "no safetensors weights" in refused(broken) and not has_weights(broken)


def test_the_text_part_of_a_config_is_found():
    assert text_config({"vocab_size": 3}) == {"vocab_size": 3}
    assert text_config({"text_config": {"vocab_size": 5}, "vision_config": {}}) == {"vocab_size": 5}
