import ast
import shutil

import pytest

from finetune.exports import TARGETS, Target
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.settings import fields
from finetune.training.train import train
from tests.training.test_train import recipe


def test_the_product_finds_its_targets():
    assert list(TARGETS)[:2] == ["adapter", "merged"] and "script" in TARGETS


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_each_says_what_the_page_and_the_command_line_need(target):
    assert isinstance(target, Target) and target.words and not target.words.endswith(".")
    assert target.title[0].isupper() and target.purpose.endswith(".")
    assert all(field.help for field in fields(target.options)) and target.options().model_dump() is not None


def test_a_target_without_code_writes_nothing(run, workspace, tmp_path):
    with pytest.raises(NotImplementedError):
        Target().write(run, workspace, tmp_path)


def test_a_run_leaves_folders_of_any_name_in_every_form(tiny_model, tmp_path):
    """Blanks, umlauts and signs in the names of the workspace, of the model and of where an export goes."""
    workspace = Workspace(tmp_path / "Größe & Höhe #1 (neu)")
    name = "Mein Modell, 1.5 % 'ü' & \"ö\""
    shutil.copytree(tiny_model, workspace.models_dir / name)
    run = workspace.create(recipe(tmp_path, **{"model.id": name, "training.max_steps": 1, "evaluation.times": 1}))
    with run.held():
        train(run, workspace)
    question = [{"role": "user", "content": "Hi?"}]
    *_, reply = Pair.load(run, workspace).reply(question, question, Sampling(greedy=True, max_tokens=2))
    assert run.view().state == "done" and reply.done
    here = [name for name, target in TARGETS.items() if not target.leaves]
    paths = {name: TARGETS[name].write(run, workspace, tmp_path / "Für Ä & Ö" / name).path for name in here}
    assert Recipe.load(paths["merged"] / "recipe.yaml").model.id == name
    assert (paths["merged"] / "model.safetensors").is_file() and paths["adapter"].is_file()
    assert ast.parse(paths["script"].read_text(encoding="utf-8"))
