import pytest

from finetune.recipe import Recipe
from finetune.training.defaults import choose_defaults, choose_learning_rate, choose_packing

LENGTHS = [30, 40, 50, 70] * 75


def recipe(**settings):
    return Recipe.from_dict({"data": {"path": "x.jsonl"}}).changed(**settings)


def test_what_the_recipe_asks_for_is_kept_and_not_explained():
    defaults = choose_defaults(
        recipe(**{"training.epochs": 2.5, "training.learning_rate": 0.01, "training.batch_size": 6}), LENGTHS, 256
    )
    assert (defaults.epochs, defaults.learning_rate, defaults.batch_size) == (2.5, 0.01, 6)
    assert [name for name, _ in defaults.choices] == ["training.packing"]


def test_what_the_recipe_leaves_open_is_chosen_with_a_reason():
    defaults = choose_defaults(recipe(), LENGTHS, 256)
    assert {name for name, _ in defaults.choices} == {
        "training.epochs",
        "training.learning_rate",
        "training.batch_size",
        "training.packing",
    }
    assert all(choice.reason for _, choice in defaults.choices)


def test_more_rows_are_read_fewer_times():
    assert [choose_defaults(recipe(), [40] * rows, 256).epochs for rows in (100, 1000, 10_000, 1_000_000)] == [
        5,
        3,
        2,
        1,
    ]
    assert choose_defaults(recipe(**{"method.type": "dpo"}), [40] * 100, 256).epochs == 3


@pytest.mark.parametrize("hidden, rate", [(2000, 5e-4), (4096, 2.9e-4)])
def test_lora_rate_follows_the_published_formula(hidden, rate):
    assert choose_learning_rate(recipe(), hidden)[0] == pytest.approx(rate, rel=0.01)


def test_rates_differ_by_adapter_and_method():
    lora = choose_learning_rate(recipe(), 2000)[0]
    full = choose_learning_rate(recipe(**{"adapter.type": "full"}), 2000)[0]
    dpo = choose_learning_rate(recipe(**{"method.type": "dpo"}), 2000)[0]
    assert lora == pytest.approx(10 * full)
    assert dpo < lora


def test_accumulation_divides_the_batch_and_not_the_other_way():
    defaults = choose_defaults(recipe(**{"training.batch_size": 8, "training.accumulation": 4}), LENGTHS, 256)
    assert (defaults.batch_size, defaults.micro_batch) == (8, 2)
    assert choose_defaults(recipe(**{"training.accumulation": 32}), LENGTHS, 256).micro_batch == 1


def test_rows_are_packed_where_that_saves_padding_and_keeps_the_batch():
    assert choose_packing(LENGTHS, 8)[0]
    assert not choose_packing([*LENGTHS, 1000], 8)[0]
    assert not choose_packing([50, 51, 52] * 9, 8)[0]
    assert not choose_defaults(recipe(**{"training.packing": False}), LENGTHS, 256).pack
    assert not choose_defaults(recipe(**{"method.type": "dpo"}), LENGTHS, 256).pack
