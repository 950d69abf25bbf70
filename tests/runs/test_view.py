import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.runs import events
from finetune.runs.view import ACTIVE, FINISHED, PHASE_WORDS, STATES, UNPACED_S, View, fold
from tests.strategies import any_event


def stepped(step, elapsed_s=0.0, **more):
    return events.Stepped(
        step=step, epoch=step / 10, loss=1 / (step + 1), learning_rate=1e-4, elapsed_s=elapsed_s, **more
    )


def planned(total_steps):
    return events.Planned(
        total_steps=total_steps, train_rows=9, held_out_rows=1, trained_tokens=90, parameters=10, trainable=5
    )


@given(st.lists(any_event(), max_size=40))
def test_any_events_can_be_folded(events):
    view = fold(events)
    assert view.revision == len(events)
    assert view.state in STATES
    assert 0 <= view.fraction <= 1
    assert view.eta_s is None or view.eta_s >= 0
    for series in (view.steps, view.evaluations, view.samples):
        assert [event.step for event in series] == sorted({event.step for event in series})


@given(st.lists(any_event(), max_size=20), st.lists(any_event(), max_size=20))
def test_folding_continues_where_it_left_off(first, second):
    view = fold(first)
    for event in second:
        view.add(event)
    assert repr(view) == repr(fold(first + second))


def test_a_new_view_is_queued():
    assert View().state == "queued" and View().revision == 0 and not View().has_model


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("downloading", "preparing"),
        ("loading", "preparing"),
        ("tokenizing", "preparing"),
        ("training", "running"),
        ("saving", "running"),
    ],
)
def test_the_phase_decides_between_preparing_and_running(phase, state):
    view = fold([events.Queued(name="a"), events.Started(device="CPU"), events.Entered(phase=phase)])
    assert (view.phase, view.state) == (phase, state)


def test_progress_and_the_time_left_follow_the_steps():
    view = fold([events.Started(device="CPU"), events.Entered(phase="training"), planned(10), stepped(4, elapsed_s=8)])
    assert view.fraction == 0.4
    assert view.eta_s == 12


def test_a_step_without_speed_keeps_the_last_one():
    view = fold([stepped(1, tokens_per_s=300.0, gauges={"memory_bytes": 7}), stepped(2)])
    assert (view.tokens_per_s, view.gauges) == (300.0, {"memory_bytes": 7})


def test_a_resumed_run_drops_the_steps_it_takes_again():
    before = [stepped(n) for n in range(1, 6)] + [events.Evaluated(step=4, loss=1), events.Sampled(step=4, answers=())]
    after = [
        events.Started(device="CPU"),
        stepped(3),
        events.Evaluated(step=4, loss=2),
        events.Sampled(step=4, answers=()),
    ]
    view = fold(before + after)
    assert [event.step for event in view.steps] == [1, 2, 3]
    assert view.step == 3
    assert [event.loss for event in view.evaluations] == [2]
    assert len(view.samples) == 1


def test_an_ended_run_has_its_reason_and_a_new_start_clears_it():
    failed = events.Ended(state="failed", code="memory", message="Too big.", hint="Take less.")
    view = fold([events.Started(device="CPU"), failed])
    assert (view.state, view.code, view.message, view.hint) == ("failed", "memory", "Too big.", "Take less.")
    view.add(events.Started(device="CPU"))
    assert (view.state, view.code, view.message, view.hint) == ("preparing", "", "", "")
    assert view.ended_at is None


def test_a_run_that_is_done_is_at_100_percent_whatever_its_last_step():
    assert fold([planned(10), stepped(9), events.Ended(state="done")]).fraction == 1


def test_only_a_saved_model_is_a_model():
    checkpoint = events.Saved(what="checkpoint", path="checkpoints/1", step=1)
    assert not fold([checkpoint]).has_model
    assert fold([checkpoint, events.Saved(what="model", path="model", step=2)]).has_model


def test_the_last_choice_of_a_setting_counts():
    choices = [events.Chose(what=what, value=value, reason="x") for what, value in (("a", "1"), ("b", "2"), ("a", "3"))]
    assert {choice.what: choice.value for choice in fold(choices).choices} == {"a": "3", "b": "2"}


def test_an_event_without_a_rule_is_a_bug():
    with pytest.raises(TypeError, match="No rule"):
        View().add(events.Event())


def test_no_state_is_both_active_and_finished():
    assert set(ACTIVE) | set(FINISHED) < set(STATES)
    assert not set(ACTIVE) & set(FINISHED)


def evaluated(step, loss):
    return events.Evaluated(step=step, loss=loss)


def test_the_best_evaluation_is_the_one_with_the_lowest_finite_loss():
    view = fold([evaluated(0, 3.0), evaluated(4, 1.0), evaluated(8, 2.0), evaluated(9, float("nan"))])
    assert view.best.step == 4 and View().best is None


def test_later_steps_no_longer_count_once_a_run_is_resumed_from_an_earlier_one():
    before = [stepped(n, elapsed_s=n) for n in range(1, 9)]
    view = fold([*before, evaluated(4, 1.0), evaluated(8, 0.5), events.Resumed(step=5)])
    assert [step.step for step in view.steps] == [1, 2, 3, 4, 5] and view.elapsed_s == 5
    assert [evaluation.step for evaluation in view.evaluations] == [4] and view.step == 5


def test_a_run_queued_again_has_no_failure_any_more():
    view = fold([events.Ended(state="failed", code="disk", message="full", hint="make room"), events.Requeued()])
    assert (view.state, view.code, view.message, view.hint, view.ended_at) == ("queued", "", "", "", None)


def test_a_repeated_note_is_kept_once():
    assert len(fold([events.Noted(message="a"), events.Noted(message="b"), events.Noted(message="a")]).notes) == 2


@pytest.mark.parametrize(
    ("pace", "silence", "stalled"), [(0.1, 50, False), (0.1, 70, True), (20, 150, False), (20, 250, True)]
)
def test_a_run_is_stalled_after_much_longer_than_a_step_without_an_event(pace, silence, stalled):
    begun = [events.Started(device="CPU", at=0), events.Entered(phase="training", at=0)]
    view = fold([*begun, *(stepped(n, elapsed_s=n * pace, at=n * pace) for n in range(1, 6))])
    assert view.is_stalled(5 * pace + silence) is stalled
    assert view.step_s == pytest.approx(pace) and fold(begun).step_s is None
    view.state = "stopping"
    assert view.is_stalled(5 * pace + silence) is stalled, "a request to stop is no event"
    view.add(events.Ended(state="stopped"))
    assert not view.is_stalled(1e9)


@pytest.mark.parametrize("phase", PHASE_WORDS)
@pytest.mark.parametrize("steps", [0, 1])
def test_before_a_second_step_and_while_saving_only_a_long_silence_is_a_stall(phase, steps):
    view = fold([events.Started(device="CPU", at=0), events.Entered(phase=phase, at=0)])
    for n in range(1, steps + 1):
        view.add(stepped(n, elapsed_s=n, at=0))
    assert not view.is_stalled(UNPACED_S) and view.is_stalled(UNPACED_S + 1)
    view.add(events.Noted(message="a word", at=UNPACED_S))
    assert not view.is_stalled(UNPACED_S + 1)


def test_a_resumed_run_has_no_usual_step_time_before_its_second_step():
    steps = [stepped(n, elapsed_s=n, at=n) for n in range(1, 9)]
    resumed = [
        events.Started(device="CPU", at=90),
        events.Resumed(step=5, at=90),
        events.Entered(phase="training", at=90),
    ]
    view = fold([events.Entered(phase="training", at=0), *steps, *resumed, stepped(6, elapsed_s=6, at=100)])
    assert view.step_s == 1 and not view.is_stalled(100 + 600)
    view.add(stepped(7, elapsed_s=7, at=101))
    assert view.is_stalled(101 + 600)


def test_a_queued_run_is_not_stalled():
    assert not fold([events.Queued(name="x", at=0)]).is_stalled(1e9)


def test_a_download_is_followed_until_the_next_phase_and_stays_where_it_ended():
    begun = [events.Started(device="CPU"), events.Entered(phase="downloading")]
    part = events.Fetched(done_bytes=25, total_bytes=100, bytes_per_s=5.0)
    view = fold([*begun, events.Pinned(commit="abc"), part])
    assert view.commit == "abc" and view.is_partly_fetched and (part.share, part.eta_s) == (0.25, 15.0)
    assert fold([*begun, part, events.Ended(state="stopped")]).is_partly_fetched
    assert not fold([*begun, part, events.Entered(phase="loading")]).is_partly_fetched
    assert events.Fetched(done_bytes=0, total_bytes=0).share == 1.0
