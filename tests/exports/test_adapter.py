"""The tuned model as it was saved, in one zip."""

import zipfile

import pytest

from finetune.errors import RunError
from finetune.exports.adapter import Adapter
from finetune.recipe import Recipe


def written(run, to):
    path, note, _ = Adapter().write(run, None, to)
    assert note == ""
    return path


def test_the_zip_holds_model_card_and_recipe_and_nothing_else(finished, tmp_path):
    path = written(finished, tmp_path / "out")
    assert path == tmp_path / "out" / f"{finished.id}.zip"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [
            "README.md",
            "recipe.yaml",
            "model/adapter_config.json",
            "model/adapter_model.safetensors",
        ]
        assert archive.read("model/adapter_model.safetensors") == b"weights"
        assert Recipe.from_yaml(archive.read("recipe.yaml").decode()) == finished.recipe


def test_equal_runs_give_equal_bytes(finished, tmp_path):
    first, second = written(finished, tmp_path / "a"), written(finished, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_a_run_without_a_model_has_nothing_to_export(run, tmp_path):
    with pytest.raises(RunError, match="no tuned model"):
        written(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
