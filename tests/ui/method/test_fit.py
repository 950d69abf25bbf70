import json
import shutil
from dataclasses import replace
from functools import partial

import gradio as gr
import pytest

from finetune.data.counts import Counts
from finetune.fit import probe
from finetune.machine import hardware
from finetune.models.preview import preview
from finetune.recipe import ModelSettings, Recipe
from finetune.ui.data.desk import Chosen
from finetune.ui.method import fit
from finetune.ui.method import tab as method
from tests.hub_stub import Repo
from tests.models.damage import edit_config
from tests.ui.method.test_tab import PIRATE, given


@pytest.fixture
def recipe():
    return Recipe.from_dict(
        {
            "model": {"id": "tiny"},
            "data": PIRATE.settings.model_dump(),
            "training": {"length": 256, "batch_size": 8, "packing": False},
        }
    )


@pytest.fixture
def long_rows():
    return Chosen(PIRATE.settings, "long", "chat", Counts(64, 250, 64 * 200))


@pytest.fixture
def current(recipe):
    """What the tab describes, whatever is given."""
    return lambda chosen, given: recipe


@pytest.fixture
def form(studio):
    with gr.Blocks():
        return method.draw(studio)


def test_what_fits_is_shown_with_the_usual_gpus_and_can_be_measured(studio, with_tiny, recipe, current, long_rows):
    line, measured, button = fit.estimate_line(studio, current, long_rows)
    assert "class='fits'" in line and "fits in 8, 12, 16, 24, 48, 80, 141 GB" in line
    assert measured == "" and button.visible and "<p class='small'>Trains " in line
    fix, change = fit.offer_change(studio, current, long_rows)
    assert not fix.visible and change == {}


def test_what_does_not_fit_comes_with_a_button_that_makes_it_fit(
    studio, with_tiny, recipe, current, long_rows, monkeypatch
):
    from finetune.fit.estimate import estimate_fit

    needed = estimate_fit(recipe, studio.workspace, long_rows.counts).estimate_bytes
    monkeypatch.setattr(hardware, "free_bytes", lambda machine: int(needed * 0.95))
    line, _, _ = fit.estimate_line(studio, current, long_rows)
    assert "class='too-big'" in line and "Won&#x27;t fit" in line
    fix, change = fit.offer_change(studio, current, long_rows)
    assert fix.visible and set(change) == {"training.accumulation"}
    assert estimate_fit(recipe.changed(**change), studio.workspace, long_rows.counts).fits


def test_sizes_of_one_verdict_stand_together():
    assert "tight in 8 GB; fits in 12, 16 GB" in fit.usual_gpus({"8 GB": "tight", "12 GB": "fits", "16 GB": "fits"})
    assert fit.usual_gpus({}) == ""


def test_without_data_the_line_says_so_and_offers_nothing(studio, form):
    current = partial(method.current, form.form)
    line, _, button = fit.estimate_line(studio, current, None, *given(form))
    assert method.NO_DATA in line and not button.visible
    assert not fit.offer_change(studio, current, None, *given(form))[0].visible
    assert method.NO_DATA in fit.measure(studio, current, None, *given(form))


def test_the_offered_change_is_put_into_the_form(form):
    current = partial(method.current, form.form)
    change = {"training.accumulation": 4, "adapter.type": "qlora"}
    values = fit.fix(form.form, current, change, PIRATE, *given(form))
    assert values[:2] == ["sft", "qlora"]
    assert current(PIRATE, tuple(values)).training.accumulation == 4


def test_rows_that_are_mixed_in_are_counted(studio, with_tiny, current, long_rows):
    line, _, _ = fit.estimate_line(studio, current, replace(long_rows, mixed=30))
    assert "Trains on 64 rows, 30 of them mixed in." in line
    assert "mixed in" not in fit.estimate_line(studio, current, long_rows)[0]


def test_a_measurement_that_cannot_be_made_says_why(studio, with_tiny, recipe):
    elsewhere = recipe.changed(**{"data.path": "/etc/passwd"})
    assert "role='alert'" in fit.measure(studio, lambda *_: elsewhere, PIRATE)


def test_a_memory_profile_is_shown_in_a_line(studio, current, monkeypatch):
    facts = probe.Measured(3 * 2**30, 0.5, 0.7, 40, 25.0, 5, 5)
    monkeypatch.setattr(probe, "measured", lambda recipe, workspace: facts)
    monkeypatch.setattr(studio.queue, "require_runnable", lambda recipe, trusted: None)
    line = fit.measure(studio, current, PIRATE)
    assert "3.0 GB at the peak" in line and "0.5 s per step" in line and "40 steps" in line


def test_there_is_no_estimate_for_a_model_that_cannot_be_trained(
    studio, with_tiny, tiny_model, recipe, current, long_rows, serve, files
):
    edit_config(shutil.copytree(tiny_model, with_tiny.models_dir / "broken"), intermediate_size=96)

    def shown(**changes):
        changed = recipe.changed(**changes)
        line, _, button = fit.estimate_line(studio, lambda *_: changed, long_rows)
        offered, _ = fit.offer_change(studio, lambda *_: changed, long_rows)
        return line, button.visible, offered.visible

    line, *buttons = shown(**{"model.id": "broken"})
    assert "No estimate: " in line and "another shape" in line and "class='fits'" not in line and not any(buttons)
    config = json.dumps(json.loads(files["config.json"]) | {"model_type": "bert"}).encode()
    with serve(Repo({**files, "config.json": config})):
        preview(ModelSettings(id="me/model"))
        assert "No estimate: The model me/model is an encoder" in shown(**{"model.id": "me/model"})[0]


def test_a_model_on_the_hub_is_estimated_once_it_is_inspected(studio, recipe, current, long_rows, serve, files):
    hub_recipe = recipe.changed(**{"model.id": "me/model"})
    with serve(Repo(files)) as hub:
        assert "once the model is inspected" in fit.estimate_line(studio, lambda *_: hub_recipe, long_rows)[0]
        assert hub.asked == [], "the estimate itself asks nobody"
        preview(ModelSettings(id="me/model"))
        line, _, button = fit.estimate_line(studio, lambda *_: hub_recipe, long_rows)
        assert "class='fits'" in line and button.visible
        assert "is not on this machine yet" in fit.measure(studio, lambda *_: hub_recipe, long_rows)
    assert hub.bytes_of("model.safetensors") < len(files["model.safetensors"])


def test_the_share_of_trained_parameters_is_a_sentence():
    assert fit.trained(430_080, 4_921_600) == "Trains 8.7 % of 4.92 million parameters."
    assert fit.trained(1000, 1000) == "Trains all 1 thousand parameters." and fit.trained(0, 0) == ""
