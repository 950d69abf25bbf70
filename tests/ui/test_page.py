import json
from types import SimpleNamespace

import gradio as gr
import pytest

from finetune.ui import data, method, page, train
from finetune.ui.studio import Studio

SKIP = gr.skip()


@pytest.fixture
def built(studio):
    return page.build(studio)


def changed(values, earlier=None):
    """The positions of the outputs that are not skipped and say something else than they did ``earlier``."""
    known = [*earlier[:3], *earlier[0]["look"]] if earlier else [SKIP] * len(values)
    return [n for n, (value, said) in enumerate(zip(values, known)) if value not in (SKIP, said)]


def chosen(values):
    """The runs that the two choosers will show."""
    watched, compared, _ = page.offered(values[0])
    return watched.value, compared.value


def test_every_event_has_a_name_and_only_the_api_is_public(built):
    events = [event for event in built.fns.values() if event.fn is not None]
    public = {event.api_name for event in events if event.api_visibility == "public"}
    assert public == {"check", "start", "status", "stop", "pause", "resume", "compare"}
    assert all(event.api_name and event.api_name is not False for event in events)


def test_the_clock_is_not_queued_and_shows_no_spinner(built):
    tick = next(event for event in built.fns.values() if event.api_name == "tick")
    assert tick.queue is False and tick.show_progress == "hidden"


def test_the_first_look_sends_everything_and_the_second_nothing(studio, write_run):
    run = write_run()
    first = page.refresh(studio, {}, None, None)
    assert chosen(first) == (run.id, run.id) and SKIP not in first
    second = page.refresh(studio, first[0], run.id, run.id)
    assert changed(second, first) == [] and sum(map(len, second[3:])) < 20_000


def test_only_what_is_new_is_sent(studio, write_run):
    run = write_run(steps=4, state=None)
    with run.held():
        first = page.refresh(studio, {}, None, None)
        from finetune.events import Stepped

        run.emit(Stepped(step=5, epoch=1, loss=1.5, learning_rate=0, elapsed_s=10))
        names = ["seen", "choosing", "status", *train.Look._fields]
        sent = {names[n] for n in changed(page.refresh(studio, first[0], run.id, None), first)}
    assert sent == {"seen", "status", "head", "spoken", "charts"}


def test_the_choosers_follow_what_there_is_to_choose():
    assert page.Choosing().mark != page.Choosing(every_s=2).mark == page.Choosing(every_s=2).mark
    choosing = page.Choosing((("Run 2", "002"), ("Run 1", "001")), "002", (("Run 1", "001"),), "001")
    runs, compared, clock = page.offered({"choosing": choosing})
    assert (runs.value, [value for _, value in runs.choices]) == ("002", ["002", "001"])
    assert (compared.value, [value for _, value in compared.choices]) == ("001", ["001"])
    assert clock.value == page.TICK_S


@pytest.mark.parametrize("eta_s, every_s", [(None, 1), (59, 1), (61, 2)])
def test_a_run_that_takes_a_while_is_looked_at_half_as_often(eta_s, every_s):
    assert page.pace_s(SimpleNamespace(eta_s=eta_s)) == every_s and page.pace_s(None) == 1


def test_a_second_page_sees_the_run_that_is_at_work(studio, write_run):
    older = write_run()
    run = write_run(steps=4, state=None)
    with run.held():
        values = page.refresh(Studio(studio.workspace), {}, None, None)
        assert chosen(values) == (run.id, older.id)
        assert "40 %" in values[2]


def test_what_somebody_was_shown_within_a_second_is_shown_to_others(studio, write_run, monkeypatch):
    from finetune.events import Stepped

    now = 100.0
    monkeypatch.setattr("finetune.ui.cache.time.monotonic", lambda: now)
    run = write_run(steps=4, state=None)

    def looked(**options):
        return page.refresh(studio, {}, None, None, **options)[0]["look"]

    with run.held():
        first = looked(anew=False)
        run.emit(Stepped(step=5, epoch=1, loss=1.5, learning_rate=0, elapsed_s=10))
        assert looked(anew=False) is first
        assert "step 5" in looked().head
        run.emit(Stepped(step=6, epoch=1, loss=1.5, learning_rate=0, elapsed_s=11))
        assert "step 5" in looked(anew=False).head
        now += 1
        assert "step 6" in looked(anew=False).head


def test_a_run_that_was_just_begun_is_shown_though_somebody_looked_right_before(studio, write_run):
    write_run()
    page.refresh(studio, {}, None, None, anew=False)
    begun = write_run(name="begun now")
    values = page.refresh(studio, {}, begun.id, None, anew=False)
    assert chosen(values)[0] == begun.id and "begun now" in values[4]


def test_what_goes_wrong_in_the_clock_leaves_the_page_as_it_is(studio, monkeypatch):
    monkeypatch.setattr(studio, "current", lambda: 1 / 0)
    from functools import partial

    values = page.total(partial(page.refresh, studio))({}, None, None)
    assert changed(values) == [] and len(values) == len(page.refresh(Studio(studio.workspace), {}, None, None))


@pytest.mark.parametrize("asked", ["method", "train", "compare"])
def test_the_address_says_which_tab_is_open(asked):
    assert page.opened(SimpleNamespace(query_params={"tab": asked})).selected == asked


@pytest.mark.parametrize("query", [{}, {"tab": "data"}, {"tab": "secret"}])
def test_a_person_who_was_quicker_than_the_page_is_not_sent_back(query):
    assert page.opened(SimpleNamespace(query_params=query)) == SKIP


def test_the_launch_options_offer_nothing_that_was_not_asked_for():
    options = page.launch_options()
    for name in ("share", "show_error", "run_history", "enable_monitoring", "mcp_server", "pwa"):
        assert options[name] is False
    assert options["footer_links"] == []


def test_the_page_starts_without_data_in_it(built):
    assert len(json.dumps(built.get_config_file(), default=str)) < 300_000


def test_from_the_run_watched_to_the_same_run_compared(studio, write_run):
    run = write_run()
    tabs, chooser, comparing = page.to_compare(studio, run.id)
    assert tabs.selected == "compare" and chooser.value == comparing == run.id


def test_training_further_fills_the_method_tab_with_the_recipe_and_its_start(studio, write_run):
    with gr.Blocks():
        data.draw(studio)
        parts = method.draw(studio)
    run = write_run()
    notice, tabs, words, *filled = page.train_further(studio, parts, run.id)
    values = dict(zip(parts.form.inputs, filled[-len(parts.form.inputs) :]))
    assert notice == "" and tabs.selected == "method" and "run 1 “pirate voice” has learnt" in words
    assert values["model.run"] == run.id and values["name"] == "pirate voice"


def test_training_further_what_is_gone_stays_where_it_is(studio, write_run):
    with gr.Blocks():
        parts = method.draw(studio)
    notice, tabs, *_ = page.train_further(studio, parts, "099-gone")
    assert "no such run" in notice and tabs == SKIP
    missing = write_run(data={"path": "uploads/gone.jsonl"})
    notice, tabs, *_ = page.train_further(studio, parts, missing.id)
    assert "There is no data file" in notice and tabs == SKIP


def test_the_status_line_says_what_was_interrupted(studio, write_run):
    write_run(steps=3, state=None)
    status = page.refresh(studio, {}, None, None)[2]
    assert "run 1 was interrupted" in status


def test_a_run_that_finishes_does_not_end_the_conversation_with_another(studio, write_run):
    first = write_run()
    seen = page.refresh(studio, {}, None, None)[0]
    second = write_run(name="newer")
    values = page.refresh(studio, seen, None, None)
    assert chosen(values) == (second.id, first.id)
