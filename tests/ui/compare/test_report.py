import json
from pathlib import Path

import gradio as gr
import pytest

from finetune.runs.links import linked
from finetune.ui.compare import report
from tests import scored


@pytest.fixture
def run(write_run):
    return scored.evaluated(write_run(name="<b>pirate</b>"))


def test_the_report_is_a_page_apart_that_runs_no_scripts(studio, run):
    html = report.show(studio, run.id, None)
    assert html.startswith("<iframe") and "sandbox='allow-same-origin'" in html and "allow-scripts" not in html
    assert html.count("<") == 2, "whatever is in the page is the value of one attribute"
    assert "&lt;h1" in html and "title='Report on &lt;b&gt;pirate" in html


def test_a_price_shows_what_the_run_cost_and_what_is_no_price_does_not(studio, run):
    assert "3.60 € an hour" in report.show(studio, run.id, 3.6)
    for price in (None, 0, "", "cheap", float("nan"), -1, 10**6):
        assert "no price given" in report.show(studio, run.id, price)


def test_without_a_run_it_says_what_to_do(studio):
    for handler in (report.show, lambda *given: report.choose(*given)[0]):
        assert "Train one first" in handler(studio, None, None) and "Train one first" in handler(studio, "9", 1)
    assert report.to_file(studio, ".html", None, None)[0] is None
    assert "no finished run" in report.to_file(studio, ".json", "9", None)[1]
    assert "no finished run" in report.share(studio, None, None)


def test_another_run_takes_the_link_and_the_notice_away(studio, run):
    frame, link, notice = report.choose(studio, run.id, None)
    assert "iframe" in frame and (link, notice) == ("", "")


def test_another_price_takes_the_link_away_which_had_the_one_before(studio, run):
    frame, link = report.reprice(studio, run.id, 3.6)
    assert "3.60 € an hour" in frame and link == ""


def test_both_files_can_be_downloaded(studio, run):
    html, notice = report.to_file(studio, ".html", run.id, 2.0)
    facts, _ = report.to_file(studio, ".json", run.id, 2.0)
    assert Path(html).name == f"{run.id}-report.html" and "<h1" in Path(html).read_text() and notice == ""
    assert json.loads(Path(facts).read_text())["cost"]["price"] == 2.0


def test_the_link_is_made_when_someone_asks_and_keeps_its_secret(studio, run):
    report.show(studio, run.id, None)
    assert not (run.path / "links.json").exists()
    html = report.share(studio, run.id, 2.5)
    address = html.split("href='")[1].split("'")[0]
    view, _, rest = address.partition("/")
    secret, _, price = rest.partition("?price=")
    assert (view, price) == ("report", "2.5") and linked(studio.workspace, "report", secret).id == run.id
    assert address in report.share(studio, run.id, 2.5) and "?price" not in report.share(studio, run.id, None)


def test_every_control_has_its_event(studio):
    with gr.Blocks() as page, gr.Tab("Report") as tab:
        chosen = report.Chooser(dropdown=gr.Dropdown([]), picked=gr.State())
        report.wire(studio, report.draw(studio), chosen, tab)
    names = {each.api_name for each in page.fns.values()}
    assert {"report_open", "report_choose", "report_price", "report_html", "report_json", "report_share"} <= names
