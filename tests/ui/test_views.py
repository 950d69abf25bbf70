import time

import pytest

from finetune.errors import DataError, Problem
from finetune.runs.events import Fetched, Saved, Stepped
from finetune.runs.heartbeat import Sign
from finetune.runs.view import STATES, View
from finetune.ui import views


def test_long_lists_are_shortened():
    assert views.listed([1, 2, 3]) == "1, 2, 3"
    assert views.listed(list(range(1, 18))) == "1, 2, 3, 4, 5 and 12 more"


@pytest.mark.parametrize(
    "count, words",
    [
        (90_900, "90.9 thousand parameters"),
        (4.6e6, "4.6 million parameters"),
        (8_030_261_248, "8.03 billion parameters"),
    ],
)
def test_the_size_of_a_model(count, words):
    assert views.parameters(count) == words


def test_a_notice_says_what_and_how_to_fix_it_and_escapes_both():
    error = DataError("Row <7> is empty.", "Fill & save.", problems=(Problem("row 7", "No <text>."),))
    html = views.notice_of(error)
    assert (
        "Row &lt;7&gt; is empty." in html and "Fill &amp; save." in html and "<li>row 7: No &lt;text&gt;.</li>" in html
    )
    assert "role='alert'" in html


def test_every_state_has_words():
    assert set(views.STATE_WORDS) == set(STATES)


def test_the_head_says_what_is_running_and_how_long_it_takes():
    view = View(name="<pirate>", state="running", step=48, total_steps=114, elapsed_s=16, heard_at=time.time())
    html = views.head("CPU, 2 cores", view, queued=2)
    assert "CPU, 2 cores" in html and "“&lt;pirate&gt;” is training, 42 %, 22 s left" in html and "2 queued" in html
    assert "data-title='42 % · Finetune Studio'" in html


def test_the_title_is_the_plain_name_when_nothing_runs():
    assert views.page_title(None) == views.page_title(View(state="done")) == "Finetune Studio"
    assert views.page_title(View(state="preparing")) == "Preparing · Finetune Studio"


def test_the_head_says_what_else_should_be_seen():
    html = views.head("CPU", None, 0, ("run 3 was interrupted", "", "only <1> GB"))
    assert "run 3 was interrupted" in html and "only &lt;1&gt; GB" in html and html.count("class='also'") == 2


def test_the_status_line_says_that_a_run_does_not_respond():
    steps = [Stepped(step=n, epoch=0, loss=1, learning_rate=0, elapsed_s=n) for n in (1, 2, 3)]
    heard_at = time.time() - 180
    view = View(name="pirate", state="running", phase="training", steps=steps, steps_since=3, heard_at=heard_at)
    assert views.activity(view) == "“pirate” has not responded for 3 min"


def test_the_status_line_says_that_another_machine_is_silent():
    view = View(name="pirate", state="running", phase="training", elsewhere=Sign("node7", 180, True))
    assert views.activity(view) == "“pirate” on node7 has been silent for 3 min"


def test_a_stopped_run_has_a_model_in_words_only_if_it_has_one():
    assert views.state_words(View(state="stopped")) == "stopped"
    assert views.state_words(View(state="stopped", saved=[Saved(what="model", path="model", step=1)])) == (
        "stopped, model kept"
    )


def test_a_notice_can_have_buttons():
    html = views.notice("Sure?", actions="<button>Yes</button>")
    assert html.endswith("<p class='moves'><button>Yes</button></p></div>")


def test_a_run_is_named_by_its_number_name_and_state():
    assert views.run_label("003-pirate-voice", View(name="pirate voice", state="done")) == "3 · pirate voice · finished"


@pytest.mark.parametrize("run_id, words", [("003-pirate-voice", "run 3"), ("12", "run 12")])
def test_a_run_is_called_by_its_number_in_a_sentence(run_id, words):
    assert views.run_number(run_id) == words and views.run_title(run_id, "pirate voice") == f"{words} “pirate voice”"
    assert views.capital(words) == f"R{words[1:]}" and views.capital("") == ""


def test_a_button_says_about_what_and_can_be_disabled():
    html = views.pick_button("up:<1>", "Up", "Move “<x>” up", is_enabled=False)
    assert "data-pick='up:&lt;1&gt;'" in html and "aria-label='Move “&lt;x&gt;” up' disabled>Up<" in html
    assert "aria-label" not in views.pick_button("x", "X") and "disabled" not in views.pick_button("x", "X")


def test_a_download_shows_how_far_it_has_come():
    view = View(name="pirate", state="preparing", phase="downloading", fetched=Fetched(done_bytes=4, total_bytes=16))
    view.heard_at = time.time()
    assert views.activity(view) == "“pirate” is downloading its model, 25 %"


def test_a_bar_moves_while_its_share_is_unknown_and_says_what_it_measures():
    assert "waiting" in views.bar(None, "<Writing>") and "aria-valuenow" not in views.bar(None, "<Writing>")
    known = views.bar(0.425, "<Writing>", "3 & 4")
    assert "width:42.5%" in known and "aria-valuenow='42'" in known and "waiting" not in known
    assert "&lt;Writing&gt;" in known and "<b>3 &amp; 4</b>" in known
