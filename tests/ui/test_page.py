import json
from types import SimpleNamespace

import gradio as gr
import pytest

from finetune.advice import Advice
from finetune.recipe import Recipe
from finetune.ui import page
from finetune.ui.data import tab as data
from finetune.ui.data.desk import Chosen
from finetune.ui.method import tab as method

SKIP = gr.skip()


@pytest.fixture
def built(studio):
    return page.build(studio)


def test_every_event_has_a_name_and_only_the_api_is_public(built):
    events = [event for event in built.fns.values() if event.fn is not None]
    public = {event.api_name for event in events if event.api_visibility == "public"}
    assert public == {"check", "start", "status", "stop", "pause", "resume", "compare"}
    assert all(event.api_name and event.api_name is not False for event in events)


def test_the_clock_is_not_queued_and_shows_no_spinner(built):
    tick = next(event for event in built.fns.values() if event.api_name == "tick")
    assert tick.queue is False and tick.show_progress == "hidden"


@pytest.mark.parametrize("asked", ["method", "train", "compare"])
def test_the_address_says_which_tab_is_open(asked):
    assert page.opened(SimpleNamespace(query_params={"tab": asked})).selected == asked


@pytest.mark.parametrize("query", [{}, {"tab": "data"}, {"tab": "secret"}])
def test_a_person_who_was_quicker_than_the_page_is_not_sent_back(query):
    assert page.opened(SimpleNamespace(query_params=query)) == SKIP


def test_the_options_offer_nothing_that_was_not_asked_for():
    options = page.options()
    for name in ("show_error", "run_history", "enable_monitoring", "mcp_server", "pwa"):
        assert options[name] is False
    assert options["footer_links"] == []


def test_the_page_starts_without_data_in_it(built):
    # A sample of data would be hundreds of kB. Every setting is a component, and is named by the events that read it.
    config = built.get_config_file()
    names = [str(each["props"].get("elem_id")) for each in config["components"]]
    settings = sum(name.startswith("setting-") for name in names)
    assert settings > 50 and len(json.dumps(config, default=str)) < 420_000 + 1_500 * settings


def test_from_the_run_on_the_train_tab_to_the_same_run_compared(studio, write_run):
    run = write_run()
    tabs, dropdown, picked = page.to_compare(studio, run.id)
    assert tabs.selected == "compare" and dropdown.value == picked == run.id


def test_training_further_fills_the_method_tab_with_the_recipe_and_its_start(studio, write_run):
    with gr.Blocks():
        data.draw(studio)
        parts = method.draw(studio)
    run = write_run()
    notice, tabs, words, *filled = page.train_further(studio, parts, run.id)
    values = dict(zip(parts.form.inputs, filled[-len(parts.form.inputs) :]))
    assert notice == "" and tabs.selected == "method" and "the tuned model of run 1 “pirate voice”" in words
    assert values["model.run"] == run.id and values["name"] == "pirate voice"


def test_training_further_what_is_gone_stays_where_it_is(studio, write_run):
    with gr.Blocks():
        parts = method.draw(studio)
    notice, tabs, *_ = page.train_further(studio, parts, "099-gone")
    assert "no such run" in notice and tabs == SKIP
    missing = write_run(data={"path": "uploads/gone.jsonl"})
    notice, tabs, *_ = page.train_further(studio, parts, missing.id)
    assert "There is no data file" in notice and tabs == SKIP


def test_every_tab_is_drawn_and_every_chooser_is_on_one(studio):
    with gr.Blocks():
        drawn = {tab.name: tab.draw(studio) for tab in page.TABS}
    assert [rule.tab for rule in page.RULES if hasattr(drawn[rule.tab], "chooser")] == ["train", "compare"]


def test_an_advice_is_set_in_the_form_and_mixes_in_replay_data(studio):
    with gr.Blocks():
        data.draw(studio)
        parts = method.draw(studio)
    recipe = Recipe.from_dict({"data": {"path": "assets/samples/pirate-voice.jsonl"}, "training": {"length": 64}})
    given = ["sft", "lora", *parts.form.fill(recipe)]
    advice = Advice("sft", "qlora", ("Why.",), replay=True)
    chosen = Chosen(recipe.data, "pirate", "chat")
    notice, *filled = page.use_advice(studio, parts, advice, chosen, *given)
    assert "as advised" in notice and filled[-len(given) :][:2] == ["sft", "qlora"]
    assert any(isinstance(each, Chosen) and each.mixed for each in filled)
    notice, *filled = page.use_advice(studio, parts, advice, None, *given)
    assert "as advised" in notice and filled[-len(given) :][:2] == ["sft", "qlora"]
