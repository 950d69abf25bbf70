import pytest

from finetune.runs import events
from finetune.runs.view import UNPACED_S, View
from finetune.ui.train.outcome import interruption_words, notices, stalled_words
from finetune.ui.train.standing import Standing


@pytest.mark.parametrize(
    "checkpoint, hint",
    [
        (40, "Its last checkpoint is from step 40: 8 steps to repeat."),
        (47, "Its last checkpoint is from step 47: 1 step to repeat."),
        (48, "Its checkpoint is from step 48: nothing is lost."),
        (None, "It has no checkpoint yet, so it would restart from step 0."),
    ],
)
def test_an_interruption_says_what_is_lost(checkpoint, hint):
    view = View(state="interrupted", step=48, total_steps=114)
    assert interruption_words("Run 3 “pirate voice”", view, Standing(checkpoint)) == (
        "Run 3 “pirate voice” was interrupted at step 48 of 114.",
        hint,
    )


def test_a_run_interrupted_before_its_first_step():
    message, _ = interruption_words("It", View(state="interrupted"), Standing())
    assert message == "It was interrupted before its first step."


def test_what_is_offered_at_the_top_is_not_repeated():
    view = View(state="interrupted", step=4, total_steps=9)
    assert notices(view, Standing(is_offered=True), 0) == ""
    assert "The run was interrupted at step 4 of 9." in notices(view, Standing(), 0)


@pytest.mark.parametrize("checkpoint, words", [(4, "can be resumed from step 4"), (None, "has to restart from step 0")])
def test_a_step_that_hangs_says_what_a_restart_means(write_run, checkpoint, words):
    run = write_run(steps=5, state=None)
    with run.held():
        view = run.view()
        offered = Standing(checkpoint, is_offered=True)
        message, hint = stalled_words("Run 1 “pirate voice”", view, offered)
        assert (
            message.startswith("Run 1 “pirate voice” is not responding: a step usually takes 2.0 s") and words in hint
        )
        assert "restart the app" in hint and hint.endswith("The page comes back by itself.")
        later = view.heard_at + 120
        assert notices(view, offered, later) == ""
        html = notices(view, Standing(checkpoint), later)
        assert "end the program and start it again" in html and words in html and "by itself" not in html


@pytest.mark.parametrize(
    ("phase", "state", "words"),
    [
        ("", "preparing", "preparing has taken more than 1 h"),
        ("loading", "preparing", "loading the model has taken more than 1 h"),
        ("tokenizing", "stopping", "tokenizing the data has taken more than 1 h"),
        ("training", "running", "starting to train has taken more than 1 h"),
        ("saving", "running", "saving the model has taken more than 1 h"),
    ],
)
def test_what_hangs_where_no_step_has_a_pace_is_reported(phase, state, words):
    view = View(phase=phase, state=state)
    assert notices(view, Standing(), UNPACED_S) == ""
    html = notices(view, Standing(), UNPACED_S + 1)
    assert f"The run is not responding: {words}." in html and "a slow disk or network; Stop" in html
    assert "warning" in html


@pytest.mark.parametrize(
    "standing, words",
    [
        (Standing(), "Queue position 1."),
        (Standing(position=1), "Queue position 1.</p><p>The run starts as soon as the machine is free."),
        (Standing(position=2), "Queue position 2.</p><p>1 queued run before it."),
        (Standing(position=4), "Queue position 4.</p><p>3 queued runs before it."),
    ],
)
def test_a_queued_run_says_its_position(standing, words):
    assert words in notices(View(state="queued"), standing, 0)


@pytest.mark.parametrize(
    "state, saved, words",
    [
        ("paused", 4, "The run was paused at step 4 of 10.</p><p>Resume continues from step 4."),
        (
            "paused",
            None,
            "paused at step 4 of 10.</p><p>It has no checkpoint, so it would restart from step 0.",
        ),
        ("failed", 4, "Out of &lt;memory&gt;.</p><p>Choose QLoRA. Resume continues from step 4."),
    ],
)
def test_an_end_and_the_next_step(write_run, state, saved, words):
    ended = {"message": "Out of <memory>.", "hint": "Choose QLoRA."} if state == "failed" else {}
    assert words in notices(write_run(steps=4, state=state, **ended).view(), Standing(saved), 0)


def test_a_stopped_run_says_whether_there_is_a_model(write_run):
    kept = notices(write_run(steps=4, state="stopped").view(), Standing(4), 0)
    assert "The run was stopped at step 4 of 10, and its model was kept." in kept
    assert "Compare it with the base. Resume continues from step 4." in kept
    assert "so there is no model" in notices(View(state="stopped"), Standing(), 0)


def test_a_run_that_diverged_is_not_offered_to_resume(write_run):
    view = write_run(steps=4, state="failed", code="diverged", message="It diverged.", hint="A lower rate.").view()
    assert "A lower rate.</p>" in notices(view, Standing(4), 0)


def test_a_finished_run_says_which_model_was_kept(write_run):
    run = write_run()
    assert "Compare it with the base, or train it further." in notices(run.view(), Standing(), 0)
    found = Standing(found="Use it for what it was taught.")
    assert "Use it for what it was taught. Compare it with the base" in notices(run.view(), found, 0)
    scorer = write_run(method="reward").view()
    assert "It can score answers on the Compare tab" in notices(scorer, Standing(), 0)
    run.emit(events.Chose(what="model_kept", value="step 5", reason="it was better"))
    assert "The model of step 5 was kept" in notices(run.view(), Standing(), 0)


def test_fallbacks_are_reported_calmly(write_run):
    run = write_run(steps=4, state="paused")
    run.emit(events.FellBack(settings={"training.accumulation": 2}, reason="Half of <it> at a time."))
    html = notices(run.view(), Standing(4), 0)
    assert "Half of &lt;it&gt; at a time. This fallback is listed under" in html and "alert" not in html
    run.emit(events.FellBack(settings={"training.accumulation": 4}, reason="A quarter at a time."))
    assert "A quarter at a time. All 2 fallbacks are listed under" in notices(run.view(), Standing(4), 0)


def test_silence_is_distinguished_from_work(write_run):
    run = write_run(steps=6, state=None)
    with run.held():
        view = run.view()
        assert notices(view, Standing(), view.heard_at + 59) == ""
        html = notices(view, Standing(checkpoint=5), view.heard_at + 125)
    assert "The run is not responding: a step usually takes 2.0 s, and this one has not ended." in html
    assert "can be resumed from step 5" in html
