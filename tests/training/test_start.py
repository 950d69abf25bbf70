import pytest

from finetune.errors import RecipeError


def test_an_earlier_run_is_trained_further(trained):
    first = trained()
    second = trained(**{"model.run": first.id, "training.learning_rate": 1e-4})
    gained = first.view().evaluations[0].loss - first.view().evaluations[-1].loss
    assert second.view().evaluations[0].loss == pytest.approx(first.view().best.loss, abs=0.1 * gained)


def test_an_earlier_run_of_another_kind_is_refused(trained):
    first = trained()
    with pytest.raises(RecipeError, match="only that can train it further"):
        trained(adapter="full", **{"model.run": first.id})
