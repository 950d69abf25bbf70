"""What a model says is text on the page, whatever it says."""

from tests.browser import Visit, app
from tests.flow.steps import ask

HOSTILE = """<think>
Is <img src="http://example.com/thought.png"> fetched?
</think>
**Bold** <script>window.ran = 1</script> <img src="http://example.com/a.png" onerror="window.ran = 1">
![a picture](http://example.com/b.png) [a link](http://example.com/c) \u202ethgir ot tfel

| a |
|---|
| =1+1 <svg onload="window.ran = 1"> |"""
TELLS = """
import os, runpy, sys
sys.path.insert(0, "")
import finetune.inference.panel as panel
from finetune.machine.hardware import Choice
def reply(self, columns, conversations, sampling, stop=None):
    texts = (os.environ["HOSTILE"] + " " + str(n) for n, _ in enumerate(columns))
    said = tuple(panel.Said(text, 40, 0.1, 30.0, False, True) for text in texts)
    yield panel.Answering(said, True, Choice("sequential", "base and tuned are two full models"))
panel.Panel.reply = reply
runpy.run_path("app.py", run_name="__main__")
"""
"""The program, whose models answer what the environment says."""


def test_a_hostile_answer_is_shown_as_text_and_fetches_nothing(browser, workspace, write_run, tmp_path):
    write_run(name=HOSTILE[:60])
    script = tmp_path / "tells.py"
    script.write_text(TELLS)
    with app(workspace.path, script, HOSTILE=HOSTILE) as address:
        visit = Visit(browser, address)
        page = visit.open("compare")
        page.wait_for_selector(".chip")
        ask(page, HOSTILE.replace("\n", " ")[:200], 1)
        assert "**Bold** <script>" in page.inner_text("#pane .answer.tuned .plain >> nth=1")
        page.uncheck("#mark input")
        page.wait_for_selector("#pane .formatted strong")
        shown = page.inner_text("#pane .answer.tuned .formatted")
        for text in (
            "Bold <script>",
            "a picture (http://example.com/b.png)",
            "a link (http://example.com/c)",
            "=1+1 <svg",
        ):
            assert text in shown
        page.click(".thinking summary >> nth=0")
        assert 'Is <img src="http' in page.inner_text(".thinking >> nth=0")
        page.click("#pane button[data-pick='keep:0:1']")
        page.wait_for_selector("#kept-note :text('1 row')")
        page.click("#held-out > button")
        page.click("#held-out-ask")
        page.wait_for_selector("#held-out-line :text('5 prompts answered')")
        visit.go("data")
        page.click("#samples button:has-text('Answers you kept')")
        page.wait_for_selector(".conversation mark.trained")
        assert "<script>window.ran = 1</script>" in page.inner_text(".conversation")
        assert page.locator("#pane :is(img, a, script, svg, iframe), .conversation img").count() == 0
        assert page.evaluate("window.ran") is None and visit.elsewhere == [] and visit.errors == []
        visit.close()
