from types import SimpleNamespace

import gradio as gr
import pytest

from finetune.ui import clock
from finetune.ui.studio import Studio
from finetune.ui.train import tab as train

SKIP = gr.skip()


def changed(values, earlier=None):
    """The positions of the outputs that are not skipped and differ from what they were ``earlier``."""
    known = [*earlier[:3], *earlier[0]["rendered"].values()] if earlier else [SKIP] * len(values)
    return [n for n, (value, before) in enumerate(zip(values, known)) if value not in (SKIP, before)]


def chosen(values):
    """The runs that the two choosers will show."""
    watched, compared, _ = clock.offered(values[0])
    return watched.value, compared.value


def test_the_first_refresh_sends_everything_and_the_second_nothing(studio, write_run):
    run = write_run()
    first = clock.refresh(studio, {}, None, None)
    assert chosen(first) == (run.id, run.id) and SKIP not in first
    second = clock.refresh(studio, first[0], run.id, run.id)
    assert changed(second, first) == [] and sum(map(len, second[3:])) < 20_000


def test_only_what_is_new_is_sent(studio, write_run):
    run = write_run(steps=4, state=None)
    with run.held():
        first = clock.refresh(studio, {}, None, None)
        from finetune.runs.events import Stepped

        run.emit(Stepped(step=5, epoch=1, loss=1.5, learning_rate=0, elapsed_s=10))
        names = ["seen", "choosing", "status", *train.NAMES]
        sent = {names[n] for n in changed(clock.refresh(studio, first[0], run.id, None), first)}
    assert sent == {"seen", "status", "run-head", "spoken", "charts"}


def test_the_choosers_follow_what_there_is_to_choose():
    assert clock.Choosing().mark != clock.Choosing(every_s=2).mark == clock.Choosing(every_s=2).mark
    choosing = clock.Choosing(((("Run 2", "002"), ("Run 1", "001")), (("Run 1", "001"),)), ("002", "001"))
    runs, compared, timer = clock.offered({"choosing": choosing})
    assert (runs.value, [value for _, value in runs.choices]) == ("002", ["002", "001"])
    assert (compared.value, [value for _, value in compared.choices]) == ("001", ["001"])
    assert timer.value == clock.TICK_S


@pytest.mark.parametrize("eta_s, every_s", [(None, 1), (59, 1), (61, 2), (179, 2), (181, 5)])
def test_the_longer_a_run_takes_the_more_seldom_the_page_is_refreshed(eta_s, every_s):
    assert clock.pace_s(SimpleNamespace(state="running", is_paced=True, eta_s=eta_s)) == every_s


@pytest.mark.parametrize("view", [None, ("stopping", True), ("running", False)])
def test_what_ends_soon_or_just_started_is_refreshed_each_second(view):
    assert clock.pace_s(view and SimpleNamespace(state=view[0], is_paced=view[1], eta_s=900)) == clock.TICK_S


def test_a_second_page_sees_the_run_that_is_at_work(studio, write_run):
    older = write_run()
    run = write_run(steps=4, state=None)
    with run.held():
        values = clock.refresh(Studio(studio.workspace), {}, None, None)
        assert chosen(values) == (run.id, older.id)
        assert "40 %" in values[2]


def test_visitors_share_a_snapshot_for_a_second(studio, write_run, monkeypatch):
    from finetune.runs.events import Stepped

    now = 100.0
    monkeypatch.setattr("finetune.ui.cache.time.monotonic", lambda: now)
    run = write_run(steps=4, state=None)

    def rendered(**options):
        return clock.refresh(studio, {}, None, None, **options)[0]["rendered"]

    with run.held():
        first = rendered(is_shared=True)
        run.emit(Stepped(step=5, epoch=1, loss=1.5, learning_rate=0, elapsed_s=10))
        assert rendered(is_shared=True) is first
        assert "step 5" in rendered()["run-head"]
        run.emit(Stepped(step=6, epoch=1, loss=1.5, learning_rate=0, elapsed_s=11))
        assert "step 5" in rendered(is_shared=True)["run-head"]
        now += 1
        assert "step 6" in rendered(is_shared=True)["run-head"]


def test_a_run_that_was_just_started_is_shown_though_the_shared_snapshot_is_older(studio, write_run):
    write_run()
    clock.refresh(studio, {}, None, None, is_shared=True)
    started = write_run(name="started now")
    values = clock.refresh(studio, {}, started.id, None, is_shared=True)
    assert chosen(values)[0] == started.id and "started now" in values[4]


def test_who_watched_a_run_that_is_gone_shares_a_snapshot_too(studio, write_run):
    write_run()
    first, second = (rendered_of(studio, run_id) for run_id in (None, "099-gone"))
    assert second is first


def rendered_of(studio, run_id):
    return clock.refresh(studio, {}, run_id, None, is_shared=True)[0]["rendered"]


def test_what_goes_wrong_in_the_clock_leaves_the_page_as_it_is(studio, monkeypatch):
    monkeypatch.setattr(studio, "current", lambda: 1 / 0)
    from functools import partial

    values = clock.total(partial(clock.refresh, studio))({}, None, None)
    assert changed(values) == [] and len(values) == len(clock.refresh(Studio(studio.workspace), {}, None, None))


def test_the_status_line_says_what_was_interrupted(studio, write_run):
    write_run(steps=3, state=None)
    status = clock.refresh(studio, {}, None, None)[2]
    assert "run 1 was interrupted" in status


def test_a_run_that_finishes_does_not_end_the_conversation_with_another(studio, write_run):
    first = write_run()
    seen = clock.refresh(studio, {}, None, None)[0]
    second = write_run(name="newer")
    values = clock.refresh(studio, seen, None, None)
    assert chosen(values) == (second.id, first.id)
