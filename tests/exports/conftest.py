import pytest

from finetune.recipe import Recipe
from finetune.runs.events import Evaluated, Planned


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
