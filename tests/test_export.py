"""What a person takes away from a run."""

import zipfile

import pytest

from finetune.errors import RunError
from finetune.events import Evaluated, Planned
from finetune.export import zip_adapter
from finetune.recipe import Recipe


@pytest.fixture
def run(workspace):
    values = {"name": "pirate voice", "data": {"path": "uploads/pirate.jsonl"}, "adapter": {"type": "lora", "rank": 4}}
    run = workspace.create(Recipe.from_dict(values))
    run.emit(Planned(total_steps=3, train_rows=300, held_out_rows=9, trained_tokens=1, parameters=1, trainable=1))
    run.emit(Evaluated(step=3, loss=1.25))
    return run


@pytest.fixture
def finished(run):
    run.model_dir.mkdir()
    (run.model_dir / "adapter_model.safetensors").write_bytes(b"weights")
    (run.model_dir / "adapter_config.json").write_text("{}")
    run.checkpoints.folder.mkdir()
    (run.checkpoints.folder / "optimizer.pt").write_bytes(b"state")
    return run


def test_the_zip_holds_model_card_and_recipe_and_nothing_else(finished, tmp_path):
    path = zip_adapter(finished, tmp_path / "out")
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


def test_the_card_says_what_it_is_and_how_to_load_it(finished, tmp_path):
    with zipfile.ZipFile(zip_adapter(finished, tmp_path)) as archive:
        card = archive.read("README.md").decode()
    for part in (
        "# pirate voice",
        "starter model",
        "`pirate.jsonl`, 300 rows",
        "1.250",
        "PeftModel.from_pretrained",
        "Licence",
    ):
        assert part in card
    assert "uploads/" not in card


def test_equal_runs_give_equal_bytes(finished, tmp_path):
    first, second = zip_adapter(finished, tmp_path / "a"), zip_adapter(finished, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_a_run_without_a_model_has_nothing_to_export(run, tmp_path):
    with pytest.raises(RunError, match="no tuned model"):
        zip_adapter(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
