"""The whole path: sample, method, training, comparison; and what a finished run offers."""

import re

import pytest

from tests.browser import PHONE, Visit
from tests.flow.path import PROOFS, TABS, click_through, places
from tests.flow.steps import ask
from tests.pace import slowness

STEPS = 6
FOLDS = (
    "#mapping, #mapping-more, #mixing, #advisor, #all-methods, #more-settings, #recipe, #curves, #log, #compare-runs, "
    "#details, #sampling, #held-out, #scores-ask"
)


@pytest.fixture(scope="module")
def trained(browser, address):
    """A visit that has clicked from the sample to a finished run, with what it saw on the way."""
    visit = Visit(browser, address)
    visit.seen = click_through(visit, browser, steps=STEPS)
    yield visit
    visit.close()


def test_the_data_is_counted_and_the_estimate_shown(trained):
    assert "300 conversations, ready to train" in trained.seen["found"]
    assert re.search(r"\d GB", trained.seen["estimate"])


def test_a_refresh_in_the_middle_of_a_run_shows_it_again(trained):
    assert trained.seen["refreshed"] <= 5 * slowness()  # beside a run, and whatever else is tested


def test_a_second_browser_sees_the_same_run(trained):
    assert "pirate voice" in trained.seen["elsewhere"]


def test_a_double_click_on_start_makes_one_run(trained, address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    assert client.predict("1", api_name="/status")["name"] == "pirate voice"
    with pytest.raises(Exception, match="There is no run"):
        client.predict("2", api_name="/status")


def test_a_finished_run_is_scored_by_itself_and_its_rows_can_be_searched(trained, visit):
    other = visit()
    page = other.open("compare")
    page.click("#proofs [role=tab]:has-text('Scores')")
    page.wait_for_selector("#scores-head .verdict h3", timeout=180_000)
    page.wait_for_function("!document.querySelector('#scores-head')?.innerText.includes('Scoring base and tuned')")
    assert "rows that it was not trained on" in page.inner_text("#scores-head")
    assert "chrF" in page.inner_text("#scores-tables") and "50 held-out rows" in page.inner_text("#scores-tables")
    page.fill("#scores-search input, #scores-search textarea", "banana")
    page.wait_for_function("document.querySelector('#scores-rows')?.innerText.toLowerCase().includes('banana')")
    page.fill("#scores-search input, #scores-search textarea", "no such words")
    page.wait_for_function("document.querySelector('#scores-rows')?.innerText.includes('No row has this in it.')")
    assert other.errors == [] and other.elsewhere == []


def test_the_finished_run_shows_its_loss_its_answers_and_its_reasons(trained):
    page = trained.page
    trained.go("train")
    assert page.locator("#charts svg circle.held-out").count() >= 2
    assert page.locator("#answers article").count() == 3
    assert page.inner_text("#answers article >> nth=0").count("base") >= 1
    page.click("#details > button")
    assert "precision" in page.inner_text("#details table")
    assert page.title() == "Finetune Studio"


def test_further_curves_and_the_log_are_drawn_once_their_folds_are_open(trained):
    page = trained.page
    trained.go("train")
    assert page.locator("#curves-board svg").count() == 0
    page.click("#curves > button")
    page.wait_for_selector("#curves-board figure:has-text('Learning rate') >> nth=0")
    page.click("#log > button")
    page.wait_for_selector("#log-board pre:has-text('Ended: done')")
    with page.expect_download() as download:
        page.click("button:has-text('Download the log')")
    assert download.value.suggested_filename == "001-pirate-voice.log"
    page.click("#curves > button")
    page.click("#log > button")


def test_the_adapter_can_be_downloaded(trained):
    trained.go("train")
    with trained.page.expect_download() as download:
        trained.page.click("#download")
    assert download.value.suggested_filename == "001-pirate-voice.zip"


def test_a_run_is_handed_over_and_checked(trained):
    page = trained.page
    trained.go("train")
    page.click("#handover > button")
    page.click("#handover-target label:has-text('Merged model')")
    page.click("#hand-over")
    page.wait_for_selector("#handover h4:has-text('parity check passed')", timeout=120_000)
    assert "5 of 5 answers are the run's" in page.inner_text("#handover-board")
    page.click("#handover > button")


def test_both_answer_side_by_side_and_enter_sends(trained):
    page = trained.page
    trained.go("train")
    page.click("#to-compare")
    page.wait_for_selector(".chip")
    page.fill("#question textarea", "What colour is the sea?")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#compare-line .figures")
    page.wait_for_selector("#ask")
    assert "What colour is the sea?" in page.inner_text("#pane .question")
    assert page.inner_text("#pane .answer.base").strip() and page.inner_text("#pane .answer.tuned").strip()
    assert "one copy of the weights" in page.inner_text("#compare-line")
    page.click("#clear")
    page.wait_for_function("!document.querySelector('#pane .question')")


def test_a_suggested_question_is_asked_at_once(trained):
    page = trained.page
    trained.go("compare")
    first = page.inner_text(".chip >> nth=0")
    page.click(".chip >> nth=0")
    page.wait_for_selector("#pane .question")
    assert first in page.inner_text("#pane .question")
    page.wait_for_selector("#compare-line .figures")


def test_turns_are_retried_and_edited_and_answers_kept_and_corrected(trained):
    page = trained.page
    trained.go("compare")
    page.click("#clear")
    page.wait_for_function("!document.querySelector('#pane .question')")
    ask(page, "What colour is the sea?", 1)
    ask(page, "And the sky?", 2)
    page.click("#pane button[data-pick='retry:1']")
    page.wait_for_selector("#pane button[data-pick='retry:1']:has-text('seed 9')")
    assert "same seed 8" in page.inner_text("#compare-line .integrity summary")
    page.focus("#pane button[data-pick='edit:1']")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#pane .question').length === 1")
    page.wait_for_function("document.activeElement.closest('#question')")
    assert page.input_value("#question textarea") == "And the sky?"
    ask(page, "And the grass?", 2)
    page.focus("#pane button[data-pick='keep:1:0']")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.dataset.pick === 'correct:1:0'")
    page.wait_for_selector("#kept-note :text('“Answers you kept”: 1 row')")
    page.click("#pane button[data-pick='correct:0:1']")
    page.wait_for_function("document.activeElement.closest('#correct-text')")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Arr, the sea be as blue as a parrot!")
    page.click("#correct-save")
    page.wait_for_selector("#kept-note :text('“Corrections”: 1 pair')")
    assert "Corrected, kept as a pair" in page.inner_text("#pane .answer.tuned >> nth=0")
    trained.go("data")
    page.click("#samples button:has-text('Answers you kept: 1 row')")
    page.wait_for_selector(".conversation dd:has-text('And the grass?')")
    assert page.locator(".conversation mark.trained").count() == 1
    page.click("#samples button:has-text('Corrections: 1 pair')")
    page.wait_for_selector(".conversation mark.rejected")
    assert "blue as a parrot" in page.inner_text(".conversation mark.trained")


def test_held_out_prompts_are_asked_into_a_table_that_a_spreadsheet_opens(trained):
    page = trained.page
    trained.go("compare")
    page.click("#held-out > button")
    page.click("#held-out-ask")
    page.wait_for_selector("#held-out-csv")
    page.wait_for_function("document.querySelectorAll('#held-out-table tbody tr').length === 5")
    assert "5 prompts answered" in page.inner_text("#held-out-line")
    with page.expect_download() as download:
        page.click("#held-out-csv")
    assert download.value.suggested_filename == "001-pirate-voice-held-out.csv"
    assert download.value.path().read_bytes().startswith(b'\xef\xbb\xbf"question","base","tuned","expected"')
    page.click("#held-out > button")


def test_nothing_is_asked_of_another_host_and_the_console_is_quiet(trained):
    assert trained.elsewhere == []
    assert trained.errors == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.heavy)])
def test_every_tab_is_accessible(trained, visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    other = visit(scheme=scheme)
    page = other.open()
    page.click("#samples button >> nth=2")
    page.wait_for_selector(".conversation")
    found = []
    for place in places(other):
        for fold in page.locator(f":is({FOLDS}) > button:visible").all():
            fold.click()
        page.wait_for_timeout(400)
        found += [
            f"{place}: {each['id']}: {node['html'][:160]}"
            for each in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    assert found == []


def test_no_tab_scrolls_sideways_on_a_phone(trained, visit):
    other = visit(size=PHONE)
    page = other.open()
    page.click("#samples button >> nth=0")
    page.wait_for_selector(".conversation")
    widths = {}
    for place in places(other):
        page.wait_for_timeout(300)
        widths[place] = page.evaluate("document.documentElement.scrollWidth")
    assert len(widths) == len(TABS) + len(PROOFS) and set(widths.values()) == {PHONE["width"]}, widths
