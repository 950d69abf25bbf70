import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from finetune import sweep
from finetune.errors import RecipeError
from finetune.recipe import Recipe, read_yaml
from finetune.runs import events
from finetune.runs.view import View, fold

SWEEP = """
name: pirate
data: {path: assets/samples/pirate-voice.jsonl, also: [more.jsonl]}
adapter: {type: [lora, full], rank: [8, 32]}
training: {learning_rate: [1e-3, 3e-3], seed: 3}
evaluation: {prompts: [Name a colour, Say hello]}
"""


def made(text: str) -> list[Recipe]:
    return sweep.recipes(read_yaml(text))


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        made(text)
    return str(caught.value)


def test_lists_become_every_combination_each_named_after_its_values():
    assert [recipe.name for recipe in made(SWEEP)] == [
        "pirate (adapter lora, rank 8, learning rate 0.001)",
        "pirate (adapter lora, rank 8, learning rate 0.003)",
        "pirate (adapter lora, rank 32, learning rate 0.001)",
        "pirate (adapter lora, rank 32, learning rate 0.003)",
        "pirate (adapter full, learning rate 0.001)",
        "pirate (adapter full, learning rate 0.003)",
    ]


def test_files_of_one_name_are_named_with_their_folders():
    folders = ("0123456789abcdef", "fedcba9876543210")
    paths = ", ".join([f"uploads/{folder}/faq.csv" for folder in folders] + ["uploads/aaaabbbbccccdddd/more.csv"])
    assert [recipe.name for recipe in made(f"name: x\ndata: {{path: [{paths}]}}")] == [
        "x (data 0123456789abcdef/faq.csv)", "x (data fedcba9876543210/faq.csv)", "x (data more.csv)",
    ]  # fmt: skip
    addresses = made("data: {path: [hf://datasets/one/faq, hf://datasets/other/faq]}")
    assert [recipe.name for recipe in addresses] == ["untitled (data one/faq)", "untitled (data other/faq)"]


def test_settings_that_are_always_lists_stay_lists():
    assert set(sweep.axes(read_yaml(SWEEP))) == {"adapter.type", "adapter.rank", "training.learning_rate"}
    assert all(recipe.evaluation.prompts == ("Name a colour", "Say hello") for recipe in made(SWEEP))
    assert all(recipe.data.also == ("more.jsonl",) for recipe in made(SWEEP))


def test_a_recipe_without_lists_is_one_recipe_under_its_own_name():
    text = "name: x\ndata: {path: a.csv}\ntraining: {epochs: 2}"
    assert made(text) == [Recipe.from_yaml(text)]


def test_an_automatic_value_can_be_part_of_a_sweep():
    automatic, fixed = made("data: {path: a}\ntraining: {learning_rate: [null, 0.01]}")
    assert automatic.training.learning_rate is None and automatic.name == "untitled (learning rate automatic)"
    assert fixed.training.learning_rate == 0.01


def test_repeated_values_make_one_run():
    assert len(made("data: {path: a}\ntraining: {seed: [1, 1, 2]}")) == 2


@pytest.mark.parametrize(
    "text, words",
    [
        ("data: {path: a}\ntraining: {seed: []}", "training.seed: This list is empty."),
        (
            "data: {path: a}\ntraining: {seed: [1,2,3,4,5,6,7,8,9], epochs: [1,2,3,4,5,6,7,8]}",
            "72 runs, at most 64",
        ),
        ("data: {path: a}\ntraining: {epochs: [1, -1], seed: [1, x]}", "training.epochs: Input should be greater"),
        ("data: {path: a}\nadapter: {type: [lora, full], rnk: [1, 2]}", "adapter.rnk: There is no such setting."),
        ("data: {path: a}\nadapter: {type: [lora, lore]}", "There is no 'lore'."),
        ("data: {path: a}\nadapter: {type: [[lora], {a: 1}]}", "adapter.type"),
        ("data: {path: a}\nadapter: [{type: lora}]", "adapter"),
        ("[1, 2]", "A recipe is a mapping of settings"),
        ("name: [a, b]\ndata: {path: a}", "name: Input should be a valid string"),
    ],
)
def test_an_invalid_sweep_is_refused_with_the_setting(text, words):
    assert words in refused(text)


def test_each_problem_is_reported_once_however_many_combinations_have_it():
    words = refused("data: {path: a}\ntraining: {epochs: [1, 2, 3], seed: [-1, 5]}")
    assert words.count("training.seed") == 1


def test_a_name_stays_within_its_bounds():
    long = "n" * 80
    recipes = made(f"name: {long}\ndata: {{path: [{'a' * 60}.csv, {'b' * 60}.csv]}}\ntraining: {{epochs: [1, 2]}}")
    assert len(recipes) == 4 and all(len(recipe.name) <= 80 for recipe in recipes)


values = st.sampled_from([("seed", [1, 2, 3]), ("epochs", [1, 2]), ("batch_size", [4, 8]), ("warmup", [0, 0.1])])


@given(st.lists(values, unique_by=lambda pair: pair[0], max_size=3))
def test_as_many_recipes_as_combinations_and_they_differ_in_nothing_else(lists):
    recipes = sweep.recipes({"data": {"path": "a"}, "training": dict(lists)})
    assert len(recipes) == math.prod(len(options) for _, options in lists)
    assert set(sweep.differences(recipes)) == {f"training.{name}" for name, _ in lists}
    assert len({recipe.sweep for recipe in recipes}) == 1 and (recipes[0].sweep is None) == (not lists)
    assert all(Recipe.from_dict(recipe.to_dict()) == recipe for recipe in recipes)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)))
def test_anything_in_place_of_a_value_is_accepted_or_refused_with_a_message(value):
    try:
        recipes = sweep.recipes({"data": {"path": "a"}, "adapter": {"type": value}, "training": {"seed": value}})
    except RecipeError as error:
        assert str(error)
    else:
        assert recipes


def test_differences_are_only_the_settings_that_differ():
    lora8, lora32 = made("data: {path: a}\nadapter: {type: lora, rank: [8, 32]}")
    full = Recipe.from_yaml("name: other\ndata: {path: a}\nadapter: {type: full}")
    assert sweep.differences([lora8, lora8]) == {} and sweep.differences([]) == {}
    assert sweep.differences([lora8, lora32]) == {"adapter.rank": (8, 32)}
    assert sweep.differences([lora8, full]) == {"adapter.type": ("lora", "full"), "adapter.rank": (8, sweep.ABSENT)}
    plain = Recipe.from_yaml("data: {path: a}")
    assert sweep.differences([plain, full]) == {"adapter.type": ("lora", "full")}


def view_of(*losses, rate=None) -> View:
    chosen = [events.Chose(what="training.learning_rate", value=rate, reason="customary")] if rate else []
    return fold([
        events.Queued(name="pirate"), *chosen,
        *(
            events.Stepped(step=n * 10, epoch=0, loss=loss, learning_rate=0, elapsed_s=n)
            for n, loss in enumerate(losses)
        ),
        *(events.Evaluated(step=n * 10, loss=loss, metrics={"accuracy": n / 10}) for n, loss in enumerate(losses)),
    ])  # fmt: skip


def test_an_outcome_has_the_differences_the_automatic_choices_and_the_best_evaluation():
    open_rate, fixed = made("name: pirate\ndata: {path: a}\ntraining: {learning_rate: [null, 0.25]}")
    runs = [("001-a", open_rate, view_of(3.0, 1.0, 1.2, rate="0.0025")), ("002-b", fixed, view_of(3.0, 5.0, math.nan))]
    first, second = sweep.outcomes(runs)
    assert first.differs == {"training.learning_rate": 0.0025} and second.differs == {"training.learning_rate": 0.25}
    assert (first.best_loss, first.best_step, first.metrics) == (1.0, 10, {"accuracy": 0.1})
    assert second.diagnosis.code == "diverged" and second.best_step == 0
    assert first.to_dict()["diagnosis"]["code"] == "overfitting"


def test_an_automatic_choice_not_made_yet_is_no_difference():
    same = Recipe.from_yaml("data: {path: a}")
    first, second = sweep.outcomes([("1", same, view_of(3.0, rate="0.0025")), ("2", same, View())])
    assert first.differs == second.differs == {} and second.best_loss is None


def test_losses_measured_differently_are_not_compared():
    plain = Recipe.from_yaml("data: {path: a}")

    def against(text, *losses):
        return sweep.unlike([("1", plain, view_of(3.0)), ("2", Recipe.from_yaml(text), view_of(*losses or (3.0,)))])

    assert against("data: {path: a}\ntraining: {epochs: 9}") == "" == against("data: {path: a, replay: g.jsonl}")
    assert "data" in against("data: {path: b}") and "method" in against("data: {path: a}\nmethod: {type: dpo}")
    assert "length" in against("data: {path: a}\ntraining: {length: 64}")
    assert against("data: {path: a}\ntraining: {seed: 1}") == ""
    assert "seed" in against("data: {path: a}\ntraining: {seed: 1}", 3.2)


def test_outcomes_of_files_of_one_name_have_different_words():
    recipes = [Recipe.from_yaml(f"data: {{path: {folder}/a.jsonl}}") for folder in ("old", "new")]
    found = sweep.outcomes([(str(n), recipe, view_of(3.0)) for n, recipe in enumerate(recipes)])
    assert [one.words for one in found] == ["data old/a.jsonl", "data new/a.jsonl"]


def test_settings_and_values_have_words():
    differs = {"adapter.type": "lora", "training.packing": False, "data.path": "a/b.jsonl", "adapter.rank": "–"}
    assert sweep.described(differs) == "adapter lora, packing no, data b.jsonl"
    assert sweep.label("evaluation.times") == "evaluation times" and sweep.shown("x" * 50).endswith("…")
    assert sweep.shown([1, 2]) == "2 entries" and yaml.safe_load(sweep.shown(1e-5)) == "1e-05"
