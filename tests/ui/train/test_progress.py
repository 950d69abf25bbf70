from dataclasses import replace

import pytest

from finetune.runs import events
from finetune.runs.heartbeat import Sign
from finetune.runs.view import View
from finetune.ui.train import progress
from finetune.ui.train.standing import Standing


def test_the_head_of_a_run_at_work(write_run):
    run = write_run(steps=4, state=None)
    with run.held():
        html = progress.head(run.view())
    assert "role='progressbar'" in html and "aria-valuenow='40'" in html and "<b>40 %</b>" in html
    for words in (
        "Training",
        "step 4 of 10",
        "8 s of training",
        "12 s left",
        "3,900 tokens/s",
        "1.0 GB of memory in use",
    ):
        assert words in html


def test_the_head_of_a_failure_says_what_to_do(write_run):
    html = progress.head(write_run(steps=2, state="failed", message="Out of <memory>.", hint="Choose QLoRA.").view())
    assert "Out of &lt;memory&gt;." in html and "Choose QLoRA." in html and "role='alert'" in html


def test_a_run_that_nobody_holds_is_interrupted(write_run):
    html = progress.head(write_run(steps=4, state=None).view())
    assert "Interrupted</span>" in html and "The run was interrupted at step 4 of 10." in html


def test_while_preparing_the_bar_has_no_value():
    html = progress.head(View(name="x", state="preparing", phase="loading", started_at=100.0), now=118.0)
    assert "aria-valuenow" not in html and "Loading the model" in html and "18 s so far" in html


def test_a_download_has_a_bar_of_its_own():
    part = events.Fetched(done_bytes=2 * 2**30, total_bytes=16 * 2**30, bytes_per_s=40 * 2**20)
    view = View(name="x", state="preparing", phase="downloading", started_at=100.0, fetched=part)
    html = progress.head(view, now=118.0)
    for words in ("Downloading the model", "aria-label='Download progress'", "aria-valuenow='12'", "2.0 of 16 GB",
                  "40 MB/s", "5 min 58 s left"):  # fmt: skip
        assert words in html
    assert "downloading the model, 10 % done" in progress.spoken(view)
    assert "aria-valuenow" not in progress.head(View(name="x", state="preparing", phase="downloading"))


@pytest.mark.parametrize("step, spoken", [(4, "40 %"), (49, "40 %"), (50, "50 %")])
def test_a_screen_reader_hears_each_tenth_only(step, spoken):
    view = View(name="x", state="running", phase="training", step=step, total_steps=100 if step > 9 else 10)
    assert spoken in progress.spoken(view)


def test_answers_show_base_once_and_tuned_at_each_evaluation(write_run):
    html = progress.answers(write_run().view())
    assert html.count("<dt>base</dt>") == 1 and "Arr, after 5!" in html and "Arr, after 10!" in html
    assert "Arr, after 0!" not in html
    assert "Is the sea &lt;b&gt;blue&lt;/b&gt;?" in html


def test_there_are_no_answers_before_the_first_evaluation():
    assert progress.answers(View()) == ""


def test_details_give_each_choice_with_its_reason(write_run):
    html = progress.details(write_run().view())
    for words in (
        "precision",
        "this processor has bf16 instructions",
        "3 rows were truncated.",
        "torch 2.13.0",
        "10 of 1,000 parameters are trainable (1.0%)",
    ):
        assert words in html


def test_fallbacks_are_listed_with_their_settings(write_run):
    run = write_run(steps=4, state=None)
    for value, reason in ((2, "Half at a time."), (4, "A quarter at a time.")):
        run.emit(events.FellBack(settings={"training.accumulation": value}, reason=reason))
    html = progress.details(run.view())
    assert html.count("Half at a time.") == html.count("A quarter at a time.") == 1
    assert "accumulation: 4" in html and "3 rows were truncated." in html


def test_silence_is_a_badge(write_run):
    run = write_run(steps=4, state=None)
    with run.held():
        view = run.view()
        html = progress.head(view, Standing(checkpoint=2), now=view.heard_at + 120)
    assert "<span class='state stalled'>Not responding for 2 min</span>" in html


def test_where_another_machine_trains_is_a_figure_and_its_silence_a_badge_with_what_it_may_mean():
    view = View(name="x", state="running", phase="training", elsewhere=Sign("<node7>", 12, True))
    html = progress.head(view, now=10**9)
    assert "Trained on &lt;node7&gt;; last sign of life 12 s ago" in html and "stalled" not in html
    html = progress.head(replace(view, elsewhere=Sign("node7", 180, True)), now=10**9)
    assert "<span class='state stalled'>Silent for 3 min</span>" in html
    assert "There has been no sign of life from node7 for 3 min." in html and "can be resumed here" in html
    ended = replace(view, state="interrupted", elsewhere=None)
    assert "Trained on" not in progress.head(ended, now=10**9)


@pytest.mark.parametrize("asked, words", [("stop", "Stopping after"), ("pause", "Pausing after"), ("yield", "Saving")])
def test_what_was_asked_of_a_run_is_shown(asked, words):
    assert words in progress.head(View(name="x", state="stopping"), Standing(asked=asked), now=1.0)


def test_details_of_a_run_without_events():
    assert "Nothing yet" in progress.details(View())
