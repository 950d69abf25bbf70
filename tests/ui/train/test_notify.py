import re

from finetune.runs.view import STATES, View
from finetune.ui.train import notify
from finetune.ui.train.notify import newest_end


def ended(at, state="done", started=1.0, name="pirate"):
    return View(name=name, state=state, started_at=started, ended_at=at)


def test_the_run_that_ended_last_is_told_whatever_the_order_of_the_runs():
    known = [("003-a", View(name="a", state="running", started_at=9.0)), ("002-b", ended(5.0)), ("001-c", ended(7.0))]
    assert newest_end(known) == ("001-c:7.0", "Run 1 “pirate” has finished.")
    assert newest_end([("001-c", ended(7.0, "failed"))])[1] == "Run 1 “pirate” has failed."


def test_a_run_that_ends_again_is_told_again_and_one_that_never_began_is_not():
    assert newest_end([("001-c", ended(8.0))])[0] != newest_end([("001-c", ended(7.0))])[0]
    assert newest_end([("001-c", ended(7.0, "stopped", started=None))]) == ("", "") == newest_end([])


def test_every_state_that_a_run_ends_in_has_words():
    assert set(STATES) - set(notify.ENDED_WORDS) == {"queued", "preparing", "running", "stopping"}


def test_permission_is_asked_only_after_the_box_is_ticked():
    handler = re.search(r"addEventListener\('change', async (.+)\}\);", notify.ASK, re.DOTALL)[1]
    assert notify.ASK.count("requestPermission") == 1 == handler.count("requestPermission")
    assert handler.index("if (!box.checked) return;") < handler.index("requestPermission")
    assert "id='tell'" in notify.BOX and "<label" in notify.BOX
