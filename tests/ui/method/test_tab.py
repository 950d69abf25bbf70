import gradio as gr
import pytest

from finetune.advice import Advice
from finetune.data.counts import Counts
from finetune.data.settings import DataSettings
from finetune.errors import RecipeError
from finetune.recipe import Recipe
from finetune.ui.data.desk import Chosen
from finetune.ui.method import tab as method

PIRATE = Chosen(DataSettings(path="assets/samples/pirate-voice.jsonl"), "pirate voice", "chat", Counts(300, 60, 9000))
PAIRS = Chosen(
    DataSettings(path="assets/samples/short-and-kind.jsonl"), "short and kind", "preference", Counts(300, 60, 9000)
)


@pytest.fixture
def parts(studio):
    with gr.Blocks():
        return method.draw(studio)


def given(parts, method_="sft", adapter="lora", **changes):
    """What the inputs hold, in the order the handlers take them."""
    values = dict(zip(parts.form.inputs, parts.form.fill(Recipe.from_dict({"data": {"path": "x"}}))))
    return (method_, adapter, *(values | {path.replace("__", "."): value for path, value in changes.items()}).values())


def test_the_five_settings_in_view_and_the_folded_ones_all_have_help(parts):
    assert all(component.info for component in parts.form.components())
    assert len(parts.settings()) == len(set(parts.settings()))


def test_a_preset_sets_method_and_adapter():
    assert method.types_of("qlora") == ("sft", "qlora") and method.types_of("dpo") == ("dpo", "lora")


def test_data_in_pairs_moves_the_choice_to_a_method_that_reads_them(parts):
    presets, kind, types, adapter, name, start, _ = method.suit(parts.form, "", PAIRS, "sft", "lora")
    assert kind == "preference" and types == "dpo" and adapter == "lora"
    assert "value='dpo' checked" in presets and name == "short and kind" and start.interactive


def test_rated_answers_move_the_choice_to_a_method_without_a_preset(parts):
    thumbs = Chosen(PAIRS.settings, "thumbs", "rated", Counts(300, 60, 9000))
    assert method.suit(parts.form, "", thumbs, "sft", "qlora")[2:4] == ("kto", "lora")


def test_data_that_suits_keeps_the_choice(parts):
    _, _, types, adapter, *_ = method.suit(parts.form, "", PIRATE, "sft", "qlora")
    assert types == "sft" and adapter == "qlora"


@pytest.mark.parametrize("chosen", [None, Chosen(PIRATE.settings, "broken")])
def test_without_usable_data_nothing_starts_and_the_reason_is_shown(studio, parts, chosen):
    assert not method.suit(parts.form, "", chosen, "sft", "lora")[5].interactive
    run_id, notice = method.start(studio, parts.form, chosen, *given(parts))
    assert run_id is None and method.NO_DATA in notice


def test_the_recipe_is_written_from_the_form(parts):
    text = method.write_recipe(parts.form, PIRATE, *given(parts, name="pirate", training__epochs="2"))
    assert Recipe.from_yaml(text).training.epochs == 2 and "pirate-voice.jsonl" in text
    assert method.write_recipe(parts.form, PIRATE, *given(parts, training__epochs="-2")) == gr.skip()


def test_values_refused_are_listed_by_their_labels_and_no_run_is_made(studio, parts):
    run_id, notice = method.start(studio, parts.form, PIRATE, *given(parts, training__epochs="-1", training__seed="x"))
    assert run_id is None and "Epochs: " in notice and "Seed: " in notice
    assert studio.workspace.runs() == []


def test_a_started_run_has_the_recipe_of_the_form(studio, parts, monkeypatch):
    monkeypatch.setattr(studio.queue, "submit", studio.workspace.create)
    run_id, notice = method.start(studio, parts.form, PIRATE, *given(parts, name="pirate", adapter__lora__rank="4"))
    assert notice == "" and studio.workspace.run(run_id).recipe.adapter.rank == 4


def test_a_pasted_recipe_fills_the_form(studio, with_tiny, parts):
    recipe = Recipe.from_dict({
        "name": "pairs", "model": {"id": "tiny"}, "data": PAIRS.settings.model_dump(),
        "method": {"type": "dpo", "beta": 0.3}, "adapter": {"type": "qlora", "rank": 4}, "training": {"seed": 3},
    })  # fmt: skip
    chosen, _, values, presets = method.load(studio, parts.form, recipe.to_yaml())
    assert chosen.kind == "preference" and "Chosen: Direct preference optimization (DPO) with QLoRA" in presets
    assert method.current(parts.form, chosen, tuple(values)) == recipe


@pytest.mark.parametrize("text", ["", "name: x", "a: [", "name: x\ndata: {path: /etc/passwd}"])
def test_a_bad_recipe_changes_nothing_and_says_why(studio, parts, text):
    chosen, notice, _, _ = method.load(studio, parts.form, text)
    assert chosen is None and "role='alert'" in notice


def test_a_problem_elsewhere_keeps_its_own_name(parts):
    with pytest.raises(RecipeError):
        method.current(parts.form, None, given(parts))


def test_what_is_advised_changes_the_form_and_keeps_what_was_set(parts):
    advice = Advice("dpo", "qlora", ("Why.",), settings={"method.beta": 0.3}, replay=True)
    found = method.advised(parts.form, advice, PAIRS, given(parts, training__epochs="2"))
    assert (found.method.type, found.method.beta, found.adapter.type) == ("dpo", 0.3, "qlora")
    assert found.training.epochs == 2 and found.data.replay.endswith("general.jsonl")
    assert method.advised(parts.form, advice, None, given(parts)).data.replay is None
