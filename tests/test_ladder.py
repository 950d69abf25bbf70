import pytest

from finetune.ladder import next_rung
from finetune.recipe import Recipe


def recipe(**settings):
    return Recipe.from_dict({"data": {"path": "x"}}).changed(**settings)


def descent(recipe, batch_size, longest):
    """Every rung from the top to the bottom, with the recipe after it."""
    while rung := next_rung(recipe, batch_size, longest):
        recipe = recipe.changed(**rung.settings)
        batch_size = recipe.training.batch_size or batch_size
        yield rung, recipe


def test_what_costs_only_time_is_given_up_first():
    changed = [list(rung.settings) for rung, _ in descent(recipe(**{"adapter.type": "full"}), 8, 1000)]
    parts = [["training.batch_size", "training.accumulation"]] * 3
    assert changed[:5] == [*parts, ["training.activation_checkpointing"], ["training.optimizer"]]
    assert changed[5:-1] == [["training.length"]] * 2 and changed[-1] == ["adapter.type"]


@pytest.mark.parametrize("adapter", ["full", "lora", "qlora"])
@pytest.mark.parametrize("batch", [1, 7, 12, 16])
def test_the_batch_stays_the_same_and_there_is_an_end(adapter, batch):
    steps = list(descent(recipe(**{"adapter.type": adapter}), batch, 4000))
    assert 0 < len(steps) < 20
    for _, after in steps:
        whole = after.training.batch_size or batch
        assert whole == batch and whole % after.training.accumulation == 0
    assert steps[-1][1].adapter.type == "qlora" and steps[-1][1].training.activation_checkpointing


def test_an_add_ons_settings_are_kept_in_the_compressed_one():
    before = recipe(**{"adapter.rank": 64, "adapter.alpha": 128})
    *_, (_, after) = descent(before, 1, 100)
    assert (after.adapter.type, after.adapter.rank, after.adapter.alpha) == ("qlora", 64, 128)


def test_weights_that_do_not_fit_are_compressed_at_once():
    rung = next_rung(recipe(**{"adapter.type": "full"}), 8, 1000, while_loading=True)
    assert rung.settings == {"adapter.type": "qlora"}
    assert next_rung(recipe(**{"adapter.type": "qlora"}), 8, 1000, while_loading=True) is None


def test_each_rung_says_what_it_does():
    for rung, _ in descent(recipe(**{"adapter.type": "full"}), 8, 1000):
        assert rung.reason.endswith(".") and len(rung.reason) > 30
