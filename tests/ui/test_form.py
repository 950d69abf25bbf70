import gradio as gr
import pytest

from finetune.adapters import ADAPTERS
from finetune.errors import Problem, RecipeError
from finetune.methods import METHODS
from finetune.recipe import EvaluationSettings, ModelSettings, Recipe, TrainingSettings
from finetune.ui.form import AUTOMATIC, Form, recipe_of
from finetune.ui.method.tab import draw

DATA = {"path": "assets/samples/pirate-voice.jsonl"}


@pytest.fixture(scope="module")
def form():
    form = Form()
    with gr.Blocks():
        form.draw("", Recipe, "name")
        for path, cls in (("model", ModelSettings), ("training", TrainingSettings), ("evaluation", EvaluationSettings)):
            form.draw_rest(path, cls)
        form.draw_types("method", "sft")
        form.draw_types("adapter", "lora")
    return form


def back(form, recipe):
    """The recipe that the form describes when it is filled from ``recipe``."""
    return recipe_of(form.values(tuple(form.fill(recipe))), DATA, recipe.method.type, recipe.adapter.type)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_recipe_survives_the_form(form, method, adapter):
    recipe = Recipe.from_dict({
        "name": "pirate", "data": DATA, "method": {"type": method}, "adapter": {"type": adapter},
        "training": {
            "epochs": 2.5, "learning_rate": 0.0002, "max_steps": 7, "activation_checkpointing": False,
            "report_to": ["tensorboard", "mlflow"],
        },
        "evaluation": {"prompts": ["Who are you?", "And why?"]},
    })  # fmt: skip
    assert back(form, recipe) == recipe


def test_the_defaults_survive_the_form(form):
    recipe = Recipe.from_dict({"data": DATA})
    assert back(form, recipe) == recipe


def test_an_input_has_the_help_and_the_default_of_its_setting(form):
    assert form.inputs["training.epochs"].placeholder == AUTOMATIC
    assert form.inputs["training.epochs"].info.startswith("Number of passes")
    assert form.inputs["training.length"].value == "1024"
    assert form.inputs["training.packing"].value is True


def test_every_setting_of_every_type_has_an_input(form):
    assert {"adapter.lora.rank", "adapter.qlora.rank", "adapter.qlora.double_quantization", "method.dpo.beta"} <= set(
        form.inputs
    )


@pytest.mark.parametrize("value", ["-1", "much", "1e9"])
def test_a_refused_value_is_named_by_its_label(form, value):
    values = form.values(tuple(form.fill(Recipe.from_dict({"data": DATA})))) | {"training.epochs": value}
    with pytest.raises(RecipeError) as refused:
        recipe_of(values, DATA, "sft", "lora")
    assert form.label(refused.value.problems[0]).where == "Epochs" and value in refused.value.problems[0].message


def test_a_refused_model_is_named_as_its_input_is(studio):
    with gr.Blocks():
        drawn = draw(studio).form
    assert drawn.label(Problem("model.id", "It is a classifier.")).where == "Model"
    assert drawn.label(Problem("data", "There is none.")).where == "data"


def test_only_the_chosen_type_is_visible(form):
    shown = form.show_types("adapter", "qlora")
    assert [group.visible for group in shown] == [name == "adapter.qlora" for name in form.type_groups("adapter")]


def test_settings_of_other_types_are_left_out(form):
    values = form.values(tuple(form.fill(Recipe.from_dict({"data": DATA})))) | {"adapter.qlora.rank": "99999"}
    assert recipe_of(values, DATA, "sft", "lora").adapter.rank == 16
