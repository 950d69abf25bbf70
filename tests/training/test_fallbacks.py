import pytest

from finetune.recipe import Recipe
from finetune.training.fallbacks import next_fallback


def recipe(**settings):
    return Recipe.from_dict({"data": {"path": "x"}}).changed(**settings)


def descent(recipe, batch_size, longest):
    """Every rung from the top to the bottom, with the recipe after it."""
    while fallback := next_fallback(recipe, batch_size, longest):
        recipe = recipe.changed(**fallback.settings)
        batch_size = recipe.training.batch_size or batch_size
        yield fallback, recipe


def test_what_changes_the_result_least_is_given_up_first():
    changes = [fallback.settings for fallback, _ in descent(recipe(**{"adapter.type": "full"}), 8, 1000)]
    assert changes == [
        {"training.batch_size": 8, "training.accumulation": 2},
        {"training.accumulation": 4},
        {"training.accumulation": 8},
        {"training.activation_checkpointing": True},
        {"training.optimizer": "adamw_8bit"},
        {"training.length": 500},
        {"training.length": 250},
        {"adapter.type": "qlora"},
    ]


@pytest.mark.parametrize("adapter", ["full", "lora", "qlora"])
@pytest.mark.parametrize("batch", [1, 7, 12, 16])
def test_the_batch_stays_the_same_and_there_is_an_end(adapter, batch):
    steps = list(descent(recipe(**{"adapter.type": adapter}), batch, 4000))
    assert 0 < len(steps) < 20
    for _, after in steps:
        whole = after.training.batch_size or batch
        assert whole == batch and whole % after.training.accumulation == 0
    assert steps[-1][1].adapter.type == "qlora" and steps[-1][1].training.activation_checkpointing


def test_a_batch_that_was_chosen_for_the_rows_stays_when_rows_are_cut():
    changed = next_fallback(recipe(**{"training.batch_size": 16}), 16, 1000).settings
    assert changed == {"training.accumulation": 2}
    assert next_fallback(recipe(), 16, 1000).settings == changed | {"training.batch_size": 16}


def test_an_add_ons_settings_are_kept_in_the_compressed_one():
    before = recipe(**{"adapter.rank": 64, "adapter.alpha": 128})
    *_, (_, after) = descent(before, 1, 100)
    assert (after.adapter.type, after.adapter.rank, after.adapter.alpha) == ("qlora", 64, 128)


@pytest.mark.parametrize(("adapter", "ends_as"), [("full", "full"), ("lora", "qlora")])
def test_a_whole_model_of_an_earlier_run_is_not_compressed(adapter, ends_as):
    *_, (_, after) = descent(recipe(**{"adapter.type": adapter, "model.run": "001-first"}), 8, 1000)
    assert after.adapter.type == ends_as


def test_weights_that_do_not_fit_are_compressed_at_once():
    fallback = next_fallback(recipe(**{"adapter.type": "full"}), 8, 1000, while_loading=True)
    assert fallback.settings == {"adapter.type": "qlora"}
    assert next_fallback(recipe(**{"adapter.type": "qlora"}), 8, 1000, while_loading=True) is None


def test_each_rung_says_what_it_does():
    said = [fallback.reason for fallback, _ in descent(recipe(**{"adapter.type": "full"}), 8, 1000)]
    assert said[0] == "Gradient accumulation: batches of 8 rows in micro-batches of 4 (same result)."
    assert len(set(said)) == 8 and all(reason.endswith(".") and len(reason) > 30 for reason in said)
