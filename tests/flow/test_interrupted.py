"""Runs that were killed or hang are offered again and resume."""

import sys

import pytest

from tests.browser import Visit, app
from tests.flow.steps import at_step, begin

HANGS = """
import os, runpy, sys, threading
from pathlib import Path
sys.path.insert(0, "")
once = Path(os.environ["FINETUNE_HOME"], "hung")
if "--server" in sys.argv:
    import finetune.runs.view
    from finetune.training.reporter import Reporter
    finetune.runs.view.STALLED_S = finetune.runs.view.STALLED_STEPS = 3.0
    begin = Reporter.on_step_begin
    def begin_or_hang(self, arguments, state, control, **rest):
        if state.global_step == 7 and not once.exists():
            once.touch()
            threading.Event().wait()
        begin(self, arguments, state, control, **rest)
    Reporter.on_step_begin = begin_or_hang
runpy.run_path("app.py", run_name="__main__")
"""
"""The program, whose first run hangs in its eighth step."""


def test_a_run_that_was_killed_is_offered_and_resumes_with_one_click(browser, tmp_path):
    from gradio_client import Client

    with app(tmp_path) as address:
        client = Client(address, verbose=False)
        client.started = []
        begin(client, "killed")
        visit = Visit(browser, address)
        at_step(visit.open("train"), 3)
        visit.close()
    with app(tmp_path) as address:
        visit = Visit(browser, address)
        page = visit.open("train")
        page.wait_for_selector("#offers .notice")
        assert "Run 1 “killed” was interrupted at step" in page.inner_text("#offers")
        assert "run 1 was interrupted" in page.inner_text("#status")
        page.click("#offers button:has-text('Resume')")
        page.wait_for_selector("#run-head .state.running")
        page.wait_for_function("!document.querySelector('#offers .notice')")
        visit.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no launcher on Windows")
def test_a_step_that_hangs_is_ended_from_the_page_and_its_run_resumes(browser, tmp_path):
    from gradio_client import Client

    script = tmp_path / "hangs.py"
    script.write_text(HANGS)
    with app(tmp_path, script) as address:
        client = Client(address, verbose=False)
        client.started = []
        begin(client, "hung")
        visit = Visit(browser, address)
        page = visit.open("train")
        page.set_default_timeout(180_000)
        page.wait_for_selector("#run-head .state.stalled")
        page.click("#stop")
        page.wait_for_selector("#stop", state="hidden")
        page.wait_for_selector("#offers button:has-text('Restart the app')")
        assert "can be resumed from step 6" in page.inner_text("#offers")
        page.click("#offers button:has-text('Restart the app')")
        page.wait_for_selector("#offers button:has-text('Resume from step 6')")
        assert "Run 1 “hung” was interrupted at step 7 of 2,000" in page.inner_text("#offers")
        page.click("#offers button:has-text('Resume')")
        at_step(page, 9)
        visit.close()
