import math
import shutil

import pytest

from finetune.errors import RecipeError
from finetune.runs.events import FellBack
from finetune.training.start import require_continuable
from tests.training.test_train import recipe


def test_an_earlier_run_is_trained_further(trained):
    first = trained()
    second = trained(**{"model.run": first.id, "training.learning_rate": 1e-4})
    gained = first.view().evaluations[0].loss - first.view().evaluations[-1].loss
    assert second.view().evaluations[0].loss == pytest.approx(first.view().best.loss, abs=0.1 * gained)


def test_an_earlier_run_of_another_kind_is_refused(trained):
    first = trained()
    with pytest.raises(RecipeError, match="only that can train it further"):
        trained(adapter="full", **{"model.run": first.id})


def test_a_model_that_was_trained_in_full_is_a_base_for_dpo_once_it_is_exported(
    trained, with_tiny, tiny_model, tmp_path
):
    from finetune.exports import TARGETS

    full = with_tiny.create(recipe(tmp_path, adapter="full"))
    shutil.copytree(tiny_model, full.model_dir)
    path, _, _ = TARGETS["merged"].write(full, with_tiny, with_tiny.models_dir)
    settings = {"method": "dpo", "training.max_steps": 1, "evaluation.times": 0}
    run = trained(**settings, **{"model.id": path.name})
    assert run.view().state == "done" and run.view().steps[0].loss == pytest.approx(math.log(2), abs=1e-3)
    with pytest.raises(RecipeError, match="only that can train it further"):
        trained(**settings, **{"model.run": full.id})


@pytest.mark.parametrize(
    ("adapter", "name", "there", "here"),
    [
        ("lora", "rank", 8, 4),
        ("qlora", "alpha", 32, 99),
        ("lora", "dropout", 0.0, 0.3),
        ("prefix", "virtual_tokens", 20, 7),
    ],
)
def test_a_setting_that_could_not_take_effect_is_refused_with_both_values(
    adapter, name, there, here, with_tiny, tmp_path
):
    earlier = with_tiny.create(recipe(tmp_path, adapter="prefix" if adapter == "prefix" else "lora"))
    earlier = with_tiny.create(earlier.recipe.changed(**{f"adapter.{name}": there}))
    further = recipe(tmp_path, adapter=adapter, **{"model.run": earlier.id, f"adapter.{name}": there})
    require_continuable(further, earlier)
    with pytest.raises(RecipeError) as refused:
        require_continuable(further.changed(**{f"adapter.{name}": here}), earlier)
    assert f"`adapter.{name}` {there}, but the recipe says {here}" in refused.value.message
    assert f"Set `adapter.{name}` to {there}" in refused.value.hint


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_a_method_without_dropout_trains_an_adapter_further_that_had_some(method, with_tiny, tmp_path):
    earlier = with_tiny.create(recipe(tmp_path, **{"adapter.dropout": 0.1}))
    further = recipe(tmp_path, method=method, **{"model.run": earlier.id})
    assert require_continuable(further, earlier) is None and further.adapter.dropout == 0
    with pytest.raises(RecipeError, match="`adapter.dropout` 0.1"):
        require_continuable(recipe(tmp_path, **{"model.run": earlier.id}), earlier)


@pytest.mark.parametrize(("adapter", "other"), [("lora", {}), ("qlora", {"adapter.double_quantization": False})])
def test_a_setting_of_the_base_may_change(adapter, other, with_tiny, tmp_path):
    earlier = with_tiny.create(recipe(tmp_path, adapter="qlora"))
    further = recipe(tmp_path, adapter=adapter, **{"model.run": earlier.id, **other})
    assert require_continuable(further, earlier) is None and further.adapter != earlier.recipe.adapter


def test_an_earlier_run_counts_as_what_it_fell_back_to(with_tiny, tmp_path):
    earlier = with_tiny.create(recipe(tmp_path, adapter="full"))
    further = recipe(tmp_path, adapter="qlora", **{"model.run": earlier.id})
    with pytest.raises(RecipeError, match="only that can train it further"):
        require_continuable(further, earlier)
    earlier.emit(FellBack(settings={"adapter.type": "qlora"}, reason="Memory ran out."))
    assert require_continuable(further, earlier) is None
