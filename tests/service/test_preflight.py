import json
import re
import shutil

import pytest

from finetune.errors import RecipeError
from finetune.machine.hardware import Machine
from finetune.service import preflight
from finetune.service.preflight import require_runnable
from tests.hub_stub import Repo
from tests.models.damage import edit_config
from tests.training.test_train import recipe


def test_a_start_from_a_missing_run_is_refused(with_tiny, tmp_path):
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"model.run": "7"}), with_tiny)
    assert [problem.where for problem in caught.value.problems] == ["model.run"]


def test_a_tracker_that_is_not_installed_is_found_before_a_run_is_queued(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.training.trackers.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="pip install wandb") as caught:
        require_runnable(recipe(tmp_path, **{"training.report_to": ["wandb"]}), with_tiny)
    assert [problem.where for problem in caught.value.problems] == ["training.report_to"]


def test_a_visitors_recipe_reads_only_uploads_and_samples(with_tiny, tmp_path):
    require_runnable(recipe(tmp_path), with_tiny)
    with pytest.raises(RecipeError, match="no data file"):
        require_runnable(recipe(tmp_path), with_tiny, trusted=False)


@pytest.mark.parametrize("where", ["replay", "mix", "also"])
def test_a_visitors_recipe_mixes_in_no_other_file_of_the_machine(with_tiny, tmp_path, where):
    mine = recipe(tmp_path)
    (with_tiny.uploads_dir / "mine.jsonl").write_bytes((tmp_path / "sft.jsonl").read_bytes())
    other = mine.data.path
    value = {"replay": other, "mix": [{"path": other}], "also": [other]}[where]
    bad = mine.changed(**{"data.path": "uploads/mine.jsonl", f"data.{where}": value})
    require_runnable(bad, with_tiny)
    with pytest.raises(RecipeError, match="no data file"):
        require_runnable(bad, with_tiny, trusted=False)


def test_rows_of_another_kind_cannot_be_mixed_in(with_tiny, tmp_path):
    pairs = recipe(tmp_path, method="dpo").data.path
    with pytest.raises(RecipeError, match="Mix in rows of the same kind"):
        require_runnable(recipe(tmp_path, **{"data.replay": pairs}), with_tiny)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "an encoder"),
        ({"quantization_config": {"quant_method": "gptq"}}, r"quantized \(gptq\)"),
        ({"num_hidden_layers": 1, "layer_types": ["full_attention"]}, "has no place in it"),
    ],
)
def test_a_model_that_cannot_be_trained_is_refused_before_a_run(with_tiny, tiny_model, tmp_path, changes, words):
    shutil.copytree(tiny_model, with_tiny.models_dir / "broken")
    edit_config(with_tiny.models_dir / "broken", **changes)
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"model.id": "broken"}), with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "model.id" and re.search(words, problem.message)


def test_layers_that_the_model_has_not_are_found_before_a_run(with_tiny, tmp_path):
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"adapter.target_modules": "mlp"}), with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "adapter" and "mlp is no layer" in problem.message and "up_proj" in problem.hint


def test_a_method_that_cannot_read_the_rows_is_refused_with_those_that_can(with_tiny, tmp_path):
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"method.type": "kto"}), with_tiny)
    (problem,) = caught.value.problems
    assert "KTO trains on rated answers, and these rows are" in problem.message
    assert "(sft, distillation, grpo, rloo)" in problem.hint


def test_a_precision_that_this_machine_has_not_is_found_before_a_run(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.machine.hardware.machine", lambda: Machine("cpu", "a processor", 2, 2**34))
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"training.precision": "fp16"}), with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "training.precision" and "needs an NVIDIA GPU" in problem.message


@pytest.mark.parametrize(
    "changes, where, words",
    [
        ({"method.type": "distillation", "method.teacher": "gone"}, "method.teacher", "There is no model 'gone'"),
        ({"method.type": "distillation", "method.teacher": "starter"}, "method.teacher", "cannot teach tiny"),
        (
            {"method.type": "grpo", "method.rewards": ["judge: {model: gone, criteria: It is short.}"]},
            "method.rewards",
            "There is no model 'gone'",
        ),
    ],
)
def test_further_models_must_be_there_and_suit_before_a_run_is_queued(with_tiny, tmp_path, changes, where, words):
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **changes), with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == where and words in problem.message


def test_a_teacher_and_a_judge_that_suit_are_no_problem(with_tiny, tmp_path):
    shutil.copytree(with_tiny.models_dir / "teacher", with_tiny.models_dir / "untold")
    (with_tiny.models_dir / "untold" / "chat_template.jinja").unlink()  # a teacher reads the student's prompts
    taught = recipe(tmp_path, **{"method.type": "distillation", "method.teacher": "untold"})
    rewards = ["judge: {model: starter, criteria: It is short.}"]
    judged = recipe(tmp_path, **{"method.type": "grpo", "method.rewards": rewards})
    assert require_runnable(taught, with_tiny) is None and require_runnable(judged, with_tiny) is None


def test_a_folder_of_this_machine_has_no_revision(with_tiny, tmp_path):
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"model.revision": "main"}), with_tiny)
    assert [problem.where for problem in caught.value.problems] == ["model.revision"]


def test_an_adapter_that_an_earlier_run_has_otherwise_is_found_before_the_start(with_tiny, tmp_path):
    earlier = with_tiny.create(recipe(tmp_path))
    with pytest.raises(RecipeError) as caught:
        require_runnable(recipe(tmp_path, **{"model.run": earlier.id, "adapter.rank": 4}), with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "model.run" and "`adapter.rank` 16, but the recipe says 4" in problem.message


def test_rows_of_uncertain_meaning_are_trained_on_only_if_a_person_says_so(with_tiny, tmp_path):
    path = tmp_path / "scored.jsonl"
    path.write_text("\n".join(f'{{"prompt": "Why {n}?", "response": "It is {n}.", "score": {n}}}' for n in range(9)))
    doubtful = recipe(tmp_path).changed(**{"data.path": str(path)})
    with pytest.raises(RecipeError, match="not certain what the rows mean") as caught:
        require_runnable(doubtful, with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "data.format" and '"score"' in problem.message and "prompt_completion" in problem.hint
    require_runnable(doubtful, with_tiny, is_confirmed=True)
    require_runnable(doubtful.changed(**{"data.format": "prompt_completion"}), with_tiny)


def test_and_so_are_rows_that_are_mixed_in(with_tiny, tmp_path):
    path = tmp_path / "scored.jsonl"
    path.write_text("\n".join(f'{{"prompt": "Why {n}?", "response": "It is {n}.", "score": {n}}}' for n in range(9)))
    doubtful = recipe(tmp_path).changed(**{"data.mix": [{"path": str(path)}]})
    with pytest.raises(RecipeError) as caught:
        require_runnable(doubtful, with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "data.mix" and problem.message.startswith("scored.jsonl, which is mixed in: It is not")
    assert "format prompt_completion" in problem.hint
    require_runnable(doubtful, with_tiny, is_confirmed=True)
    named = {"path": str(path), "format": "prompt_completion"}
    require_runnable(doubtful.changed(**{"data.mix": [named]}), with_tiny)


def test_a_model_on_the_hub_is_refused_before_its_download_and_not_for_a_hub_that_is_away(
    with_tiny, tmp_path, serve, files
):
    away = recipe(tmp_path, **{"model.id": "me/model"})
    config = json.dumps(json.loads(files["config.json"]) | {"num_hidden_layers": 3, "layer_types": None})
    with serve(Repo({**files, "config.json": config.encode()})) as hub:
        with pytest.raises(RecipeError) as caught:
            require_runnable(away, with_tiny)
    (problem,) = caught.value.problems
    assert problem.where == "model.id" and "is missing in its files, such as model.layers.2." in problem.message
    assert hub.bytes_of("model.safetensors") < len(files["model.safetensors"])
    with serve(Repo(files)) as hub:
        hub.is_down = True
        require_runnable(away, with_tiny)


def test_a_reward_model_must_be_there_before_a_run_is_queued(with_tiny, tmp_path):
    wanted = recipe(tmp_path, "rloo", **{"method.rewards": ["model: {run: '12'}"], "data.format": "prompts"})
    with pytest.raises(RecipeError) as error:
        require_runnable(wanted, with_tiny)
    (problem,) = error.value.problems
    assert problem.where == "method.rewards" and "There is no run '12'" in problem.message


def test_libraries_are_imported_behind_their_lock_before_anything_needs_them(with_tiny, tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(preflight, "load_tokenizers", lambda: order.append("libraries"))
    monkeypatch.setattr(preflight, "inspect_before_run", lambda *_: order.append("model"))
    require_runnable(recipe(tmp_path), with_tiny)
    assert order == ["libraries", "model"]
