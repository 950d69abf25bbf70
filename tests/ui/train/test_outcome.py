import pytest

from finetune.runs import events
from finetune.runs.view import UNPACED_S, View
from finetune.ui.train.outcome import interrupted_words, outcome, stalled_words
from finetune.ui.train.standing import Standing


@pytest.mark.parametrize(
    "checkpoint, hint",
    [
        (40, "Its last checkpoint is of step 40, so 8 steps are to be done again."),
        (47, "Its last checkpoint is of step 47, so 1 step is to be done again."),
        (48, "It was saved at step 48: nothing that it learnt is lost."),
        (None, "Nothing had been saved yet, so it would begin anew."),
    ],
)
def test_an_interruption_says_what_is_lost(checkpoint, hint):
    view = View(state="interrupted", step=48, total_steps=114)
    assert interrupted_words("Run 3 “pirate voice”", view, Standing(checkpoint)) == (
        "Run 3 “pirate voice” was interrupted at step 48 of 114.",
        hint,
    )


def test_a_run_interrupted_before_its_first_step():
    message, _ = interrupted_words("It", View(state="interrupted"), Standing())
    assert message == "It was interrupted before its first step."


def test_what_is_offered_at_the_top_is_not_said_twice():
    view = View(state="interrupted", step=4, total_steps=9)
    assert outcome(view, Standing(is_offered=True), 0) == ""
    assert "It was interrupted at step 4 of 9." in outcome(view, Standing(), 0)


@pytest.mark.parametrize("checkpoint, words", [(4, "can be resumed from step 4"), (None, "has to begin anew")])
def test_a_step_that_hangs_says_what_starting_again_means(write_run, checkpoint, words):
    run = write_run(steps=5, state=None)
    with run.held():
        view = run.view()
        offered = Standing(checkpoint, is_offered=True)
        message, hint = stalled_words("Run 1 “pirate voice”", view, offered)
        assert message.startswith("Run 1 “pirate voice” does not answer: a step usually takes 2.0 s") and words in hint
        assert "start the app again" in hint and hint.endswith("The page comes back by itself.")
        later = view.heard_at + 120
        assert outcome(view, offered, later) == ""
        html = outcome(view, Standing(checkpoint), later)
        assert "end the program and start it again" in html and words in html and "by itself" not in html


@pytest.mark.parametrize(
    ("phase", "state", "words"),
    [
        ("", "preparing", "getting ready has taken more than 1 h"),
        ("loading", "preparing", "loading the model has taken more than 1 h"),
        ("tokenizing", "stopping", "reading the data has taken more than 1 h"),
        ("training", "running", "beginning to train has taken more than 1 h"),
        ("saving", "running", "saving the model has taken more than 1 h"),
    ],
)
def test_what_hangs_where_no_step_has_a_pace_is_said(phase, state, words):
    view = View(phase=phase, state=state)
    assert outcome(view, Standing(), UNPACED_S) == ""
    html = outcome(view, Standing(), UNPACED_S + 1)
    assert f"It does not answer: {words} without a word." in html and "a slow disk or network; Stop" in html
    assert "warning" in html


@pytest.mark.parametrize(
    "standing, words",
    [
        (Standing(), "It is next."),
        (Standing(ahead=0), "It is next."),
        (Standing(ahead=1), "1 run comes before it."),
        (Standing(ahead=3), "3 runs come before it."),
    ],
)
def test_a_run_in_line_says_how_many_come_first(standing, words):
    assert words in outcome(View(state="queued"), standing, 0)


@pytest.mark.parametrize(
    "state, saved, words",
    [
        ("paused", 4, "It was paused at step 4 of 10.</p><p>Resume goes on from step 4."),
        ("paused", None, "It was paused at step 4 of 10.</p><p>Started again, it begins anew."),
        ("failed", 4, "Out of &lt;memory&gt;.</p><p>Choose QLoRA. Resume goes on from step 4."),
    ],
)
def test_an_end_and_the_next_step(write_run, state, saved, words):
    ended = {"message": "Out of <memory>.", "hint": "Choose QLoRA."} if state == "failed" else {}
    assert words in outcome(write_run(steps=4, state=state, **ended).view(), Standing(saved), 0)


def test_a_stopped_run_says_whether_there_is_a_model(write_run):
    kept = outcome(write_run(steps=4, state="stopped").view(), Standing(4), 0)
    assert "It was stopped at step 4 of 10, and the model it had become was kept." in kept
    assert "Compare it with the base. Resume goes on from step 4." in kept
    assert "so there is no model" in outcome(View(state="stopped"), Standing(), 0)


def test_a_run_that_diverged_is_not_told_to_do_so_again(write_run):
    view = write_run(steps=4, state="failed", code="diverged", message="It diverged.", hint="A lower rate.").view()
    assert "A lower rate.</p>" in outcome(view, Standing(4), 0)


def test_a_finished_run_says_which_model_was_kept(write_run):
    run = write_run()
    assert "Compare it with the base, or train it further." in outcome(run.view(), Standing(), 0)
    run.emit(events.Chose(what="model kept", value="step 5", reason="it was better"))
    assert "The model of step 5 was kept" in outcome(run.view(), Standing(), 0)


def test_what_was_given_up_for_want_of_memory_is_said_calmly(write_run):
    run = write_run(steps=4, state="paused")
    run.emit(events.FellBack(settings={"training.accumulation": 2}, reason="Half of <it> at a time."))
    html = outcome(run.view(), Standing(4), 0)
    assert "Half of &lt;it&gt; at a time. This is noted under" in html and "alert" not in html
    run.emit(events.FellBack(settings={"training.accumulation": 4}, reason="A quarter at a time."))
    assert "A quarter at a time. All 2 changes are noted under" in outcome(run.view(), Standing(4), 0)


def test_silence_is_told_from_work(write_run):
    run = write_run(steps=6, state=None)
    with run.held():
        view = run.view()
        assert outcome(view, Standing(), view.heard_at + 59) == ""
        html = outcome(view, Standing(checkpoint=5), view.heard_at + 125)
    assert "It does not answer: a step usually takes 2.0 s, and this one is not over." in html
    assert "can be resumed from step 5" in html
