"""The whole path in a real browser: sample, method, training, comparison; and what must hold on the way."""

import re
import sys
import time

import pytest

from tests.browser import PHONE, Visit, app, chromium
from tests.pace import slowness

TABS = ("data", "method", "train", "compare")
PROOFS = ("Ask", "Blind test", "Scores", "Report")
STEPS = 6
FOLDS = (
    "#mapping, #mapping-more, #mixing, #advisor, #all-methods, #more-settings, #recipe, #curves, #log, #compare-runs, "
    "#details, #sampling, #held-out, #scores-ask"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with app(tmp_path_factory.mktemp("flow")) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """A function that begins a visit; all visits end with the test."""
    visits = []

    def begin(**options):
        visits.append(Visit(browser, address, **options))
        return visits[-1]

    yield begin
    for each in visits:
        each.close()


@pytest.fixture(scope="module")
def trained(browser, address):
    """A visit that has clicked from the sample to a finished run, with what it saw on the way."""
    visit = Visit(browser, address)
    visit.seen = click_through(visit, browser, steps=STEPS)
    yield visit
    visit.close()


def click_through(visit: Visit, browser, steps: int | None) -> dict:
    """From the pirate sample to a finished LoRA run, by the buttons that lead there; what was seen on the way."""
    page, seen = visit.open(), {}
    page.click("#samples button:has-text('Pirate voice')")
    page.wait_for_selector(".conversation mark.trained")
    seen["found"] = page.inner_text("#result")
    page.click("#to-method")
    page.wait_for_selector("#presets input[value=lora]:checked")
    if steps:
        page.click("#more-settings > button")
        page.fill("#setting-training-max-steps textarea", str(steps))
        page.fill("#setting-evaluation-times textarea", "1")
    page.wait_for_function("document.querySelector('#estimate')?.innerText.includes('GB')")
    seen["estimate"] = page.inner_text("#estimate")
    page.click("#start", click_count=2)
    started = time.monotonic()
    page.wait_for_selector("#run-head .run-head")
    seen["refreshed"] = min(refresh(visit) for _ in range(3))
    seen["elsewhere"] = seen_from_elsewhere(visit, browser)
    page.wait_for_selector("#to-compare", timeout=280_000)
    seen["seconds"] = time.monotonic() - started
    seen["runs"] = page.locator("#train-run").inner_text()
    return seen


def places(visit: Visit):
    """Goes to each tab, and to each view of the last; their names."""
    for tab in TABS:
        visit.go(tab)
        yield tab
    for proof in PROOFS:
        visit.page.click(f"#proofs [role=tab]:has-text('{proof}')")
        visit.page.wait_for_selector(f"#proofs [role=tab][aria-selected=true]:has-text('{proof}')")
        yield proof


def refresh(visit: Visit) -> float:
    """Seconds from reloading the page until the run is shown again."""
    start = time.monotonic()
    visit.load_again("train")
    visit.page.wait_for_selector("#run-head .run-head")
    return time.monotonic() - start


def seen_from_elsewhere(visit: Visit, browser) -> str:
    """What a second visitor, in a browser of his own, is shown of the run."""
    other = Visit(browser, visit.address)
    page = other.open("train")
    page.wait_for_selector("#run-head .run-head")
    text = page.inner_text("#run-head")
    other.close()
    return text


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


def answered(page, questions: int) -> None:
    """Return once the last of so many questions is answered."""
    page.wait_for_function(
        "asked => document.querySelectorAll('#pane .question').length === asked && "
        "document.querySelector('#ask')?.offsetParent && document.querySelector('#compare-line .figures')",
        arg=questions,
    )


def ask(page, question: str, place: int) -> None:
    """Ask ``question`` as number ``place`` of the conversation, and return once it is answered."""
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_function("asked => document.querySelector('#pane').innerText.includes(asked)", arg=question)
    answered(page, place)


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
            for each in Axe().run(page).response["violations"]
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


def test_tabs_and_presets_work_with_the_keyboard(visit):
    other = visit()
    page = other.open()
    page.focus("#tab-data-button")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#tab-method-button[aria-selected=true]")
    page.focus("#presets input[value=lora]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#presets input[value=qlora]:checked")
    page.click("#more-settings > button")
    page.wait_for_selector("#setting-adapter-qlora-double-quantization")
    assert other.errors == []


def test_all_methods_are_cards_that_say_what_they_need_and_cost(visit):
    other = visit()
    page = other.open()
    page.click("#samples button:has-text('Short and kind')")
    page.wait_for_selector(".conversation")
    page.click("#to-method")
    page.click("#all-methods > button")
    page.wait_for_selector("#catalog input[value='method:dpo']:checked")
    assert page.is_disabled("#catalog input[value='method:sft']")
    assert "your data is pairs of answers" in page.inner_text("#catalog .entry:has(input[value='method:sft'])")
    page.click("#catalog [data-more='method:dpo'] summary")
    page.focus("#catalog input[value='adapter:lora']")
    page.keyboard.press("ArrowRight")
    chosen = page.evaluate("document.activeElement.value").partition(":")[2]
    page.wait_for_selector(f"#catalog input[value='adapter:{chosen}']:checked")
    page.wait_for_function("id => document.activeElement.value === `adapter:${id}`", arg=chosen)
    page.wait_for_selector("#presets .own")
    assert page.evaluate("document.querySelector(\"[data-more='method:dpo']\").open")
    page.wait_for_function(
        "document.querySelector(\"#catalog [data-cost-of='adapter:full']\").innerText.includes('× the memory')"
    )
    page.click("#recipe > button")
    page.wait_for_function(f"document.querySelector('#recipe-text textarea')?.value.includes('type: {chosen}')")
    assert other.errors == []


def test_four_questions_give_an_advice_that_fills_the_form_or_is_tested_at_once(visit):
    other = visit()
    page = other.open()
    page.click("#samples button:has-text('Pirate voice')")
    page.wait_for_selector(".conversation mark.trained")
    page.click("#to-method")
    page.click("#advisor > button")
    page.wait_for_selector("#ask-have input[value=answers]:checked")
    page.check("#ask-change input[value=facts]")
    page.wait_for_selector("#advice h3:has-text('Do not fine-tune')")
    page.check("#ask-change input[value=task]")
    page.get_by_label("Its general knowledge").check()
    page.wait_for_selector("#advice h3:has-text('Supervised fine-tuning (SFT) with LoRA')")
    page.wait_for_selector("#advice li:has-text('Replay data is mixed in')")
    page.click("#use-advice")
    page.wait_for_selector("#problems .notice:has-text('as advised')")
    other.go("data")
    assert "300 conversations and 33 mixed in" in page.inner_text("#result")
    assert other.errors == []


def test_columns_can_be_named_when_they_cannot_be_detected(visit, tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_text("ticket,words,when\n" + "".join(f"Help {n}!,Gladly {n}.,Monday\n" for n in range(12)))
    page = visit().open()
    page.set_input_files("#file input[type=file]", path)
    page.wait_for_selector("#result [role=alert]")
    choose(page, "format", "Questions and answers")
    choose(page, "column-0", "ticket")
    choose(page, "column-1", "words")
    page.wait_for_selector("#effect .conversation mark.trained")
    page.click("#mapping-apply")
    page.wait_for_selector("#preview .conversation mark.trained")
    assert page.locator("#effect .conversation").count() == 0
    assert "12 conversations, ready to train" in page.inner_text("#result")
    page.click("#after")
    page.wait_for_function("document.querySelector('#position')?.innerText.includes('2 of 12')")


def test_a_messy_table_is_fixed_by_clicks_alone_and_trains(visit):
    other = visit()
    page = other.open()
    page.click("#samples button:has-text('Messy')")
    page.wait_for_selector("#result .findings .fix")
    before = page.inner_text("#result h3 >> nth=0")
    clicks = 0
    while (button := page.locator("#result .findings button[data-pick^='fix:'] >> nth=0")).count():
        button.click()
        clicks += 1
        page.wait_for_selector(f"#result .fixes li >> nth={clicks - 1}")
    assert clicks >= 4
    if (length := page.locator("#result .findings button[data-pick^='length:'] >> nth=0")).count():
        length.click()
        page.wait_for_function("!document.querySelector(\"#result button[data-pick^='length:']\")")
    assert page.inner_text("#result h3 >> nth=0") != before
    assert page.locator("#result .findings li.problem").count() == 0
    page.click("#to-method")
    page.click("#more-settings > button")
    page.fill("#setting-training-max-steps textarea", "3")
    page.fill("#setting-evaluation-times textarea", "1")
    page.click("#start:not([disabled])")
    page.wait_for_selector("#to-compare:visible", timeout=120_000)
    assert other.errors == []


def test_rows_are_pasted_corrected_and_remembered_over_a_refresh(visit):
    other = visit()
    page = other.open()
    page.click("#paste > button")
    page.fill("#pasted textarea", "question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(12)))
    page.click("#use-pasted")
    page.wait_for_selector(".conversation")
    page.click("#correct-row")
    page.wait_for_selector("#row-value-1 textarea:visible")
    page.fill("#row-value-1 textarea", "It is nought.")
    page.click("#save-row")
    page.wait_for_selector("#result .fixes li")
    assert "It is nought." in page.inner_text("#preview")
    page.click("#drop-row")
    page.wait_for_selector("#result .fixes li >> nth=1")
    assert "11 conversations" in page.inner_text("#result")
    other.load_again("data")
    page.wait_for_selector("#result .fixes li >> nth=1")
    assert "11 conversations" in page.inner_text("#result")
    page.click("#result button[data-pick='undo:1']")
    page.wait_for_function("document.querySelector('#result').innerText.includes('12 conversations')")
    assert other.errors == []


def test_other_data_is_mixed_in_by_clicks_and_remembered_over_a_refresh(visit):
    other = visit()
    page = other.open()
    page.click("#samples button:has-text('Pirate voice')")
    page.wait_for_selector(".conversation mark.trained")
    page.click("#mixing > button")
    page.click("#mix-starter")
    page.wait_for_selector("#mixed li")
    assert "33 rows, 10" in page.inner_text("#mixed")
    choose(page, "mix-sample", "Short and kind")
    page.click("#mix-add")
    page.wait_for_selector("#mixing-problem [role=alert]")
    assert "Preference pairs" in page.inner_text("#mixing-problem") and page.locator("#mixed li").count() == 1
    choose(page, "mix-sample", "Ticket to JSON")
    page.click("#mix-add")
    page.wait_for_selector("#mixed li >> nth=1")
    assert page.inner_text("#mixing-problem").strip() == ""
    other.load_again("data")
    page.wait_for_function(
        "document.querySelector('#result')?.innerText.includes('300 conversations and 200 mixed in')"
    )
    page.click("#to-method")
    page.wait_for_function("document.querySelector('#estimate')?.innerText.includes('500 rows, 200 of them mixed in')")
    page.click("#recipe > button")
    recipe = page.input_value("#recipe-text textarea")
    assert "assets/samples/ticket-json.jsonl" in recipe and "replay: assets/samples/general.jsonl" in recipe
    other.go("data")
    page.click("#mixing > button")
    for remaining in (1, 0):
        page.focus("#mixed button >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.querySelectorAll('#mixed li').length === {remaining}")
    assert "300 conversations, ready to train" in page.inner_text("#result")
    assert other.errors == []


def choose(page, chooser: str, option: str) -> None:
    page.click(f"#{chooser} input")
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_function("!document.querySelector('[role=option]')")


SWEEP = """
name: two rates
data: {path: assets/samples/pirate-voice.jsonl}
training: {learning_rate: [0.001, 0.003], max_steps: 2}
evaluation: {times: 1}
"""


def test_a_sweep_queues_its_runs_and_they_are_compared(visit):
    seen = visit()
    page = seen.open("method")
    page.click("#recipe > button")
    page.fill("#recipe-text textarea", SWEEP)
    page.click("#recipe-queue:has-text('Queue all 2 runs')")
    page.wait_for_selector("#tab-train-button[aria-selected=true]")
    page.click("#compare-runs > button")
    finished = "#runs-board tbody tr:has-text('finished')"
    page.locator(finished).nth(1).wait_for(timeout=280_000)
    board = page.inner_text("#runs-board")
    assert "learning rate 0.001" in board and "learning rate 0.003" in board and board.count("lowest") == 1
    assert page.locator("#runs-board polyline.held-out").count() == 2
    assert seen.errors == []


def test_a_refused_value_is_named_and_nothing_starts(visit):
    page = visit().open()
    page.click("#samples button >> nth=0")
    page.click("#to-method")
    page.fill("#setting-training-epochs textarea", "-1")
    page.click("#start:not([disabled])")
    page.wait_for_selector("#problems [role=alert]")
    assert "Epochs" in page.inner_text("#problems")


def test_a_program_can_go_the_whole_path(address, tmp_path):
    from gradio_client import Client, handle_file

    path = tmp_path / "qa.jsonl"
    path.write_text("".join(f'{{"question": "What is {n}?", "answer": "Arr, {n}!"}}\n' for n in range(20)))
    client = Client(address, verbose=False)
    report = client.predict(handle_file(str(path)), "starter", 256, api_name="/check")
    assert report["kept"] == 20
    recipe = f"name: by program\ndata: {{path: {report['data']}}}\ntraining: {{max_steps: 3}}\nevaluation: {{times: 0}}"
    run_id = client.predict(recipe, api_name="/start")
    end = time.monotonic() + 200
    while (status := client.predict(run_id, api_name="/status"))["state"] not in ("done", "failed"):
        assert time.monotonic() < end, status
        time.sleep(0.5)
    assert status["state"] == "done" and status["step"] == 3, status["message"]
    both = client.predict(run_id, "What is 3?", 7, 16, True, api_name="/compare")
    assert both["base"] and both["tuned"] and both["tokens_per_s"] > 0


LONG = """
name: {}
data: {{path: assets/samples/pirate-voice.jsonl}}
training: {{max_steps: 2000, save_steps: 2}}
evaluation: {{times: 1}}
"""


@pytest.fixture
def client(address):
    """A program that calls the page; the runs it started are stopped at the end."""
    from gradio_client import Client

    client = Client(address, verbose=False)
    client.started = []
    yield client
    for run_id in client.started:
        if client.predict(run_id, api_name="/status")["state"] in ("queued", "preparing", "running"):
            client.predict(run_id, api_name="/stop")


def begin(client, *names) -> list[str]:
    """The ids of new runs that take minutes."""
    runs = [client.predict(LONG.format(name), api_name="/start") for name in names]
    client.started += runs
    return runs


def at_step(page, step: int) -> None:
    """Return once the run that is shown has come to ``step`` or beyond."""
    script = "least => +(document.querySelector('#run-head').innerText.match(/step ([\\d,]+)/)?.[1] ?? 0) >= least"
    page.wait_for_function(script, arg=step)


def refreshes_in(page, seconds: int) -> int:
    """How often the page is refreshed within so many seconds."""
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/run/predict" in request.url else None)
    page.wait_for_timeout(seconds * 1000)
    return len(asked)


NOTIFIED = """() => {
  window.told = [];
  window.Notification = class {
    static permission = 'default';
    static requestPermission = async () => { window.asked = true; return 'granted'; };
    constructor(title, {body}) { window.told.push(body); }
  };
}"""
"""The browser's notifications, noted instead of shown."""


def test_a_run_is_paused_resumed_and_stopped(visit, client):
    other = visit()
    begin(client, "one to pause")
    page = other.open("train")
    at_step(page, 2)
    page.evaluate(NOTIFIED)
    assert not page.evaluate("window.asked")
    page.check("#tell")
    page.wait_for_function("window.asked")
    assert refreshes_in(page, 6) <= 4  # it takes minutes, so the page is refreshed every two seconds or every five
    page.click("#pause")
    page.wait_for_selector("#run-head .state.paused")
    page.wait_for_function("window.told.some(body => body.includes('“one to pause” was paused'))")
    saved = re.search(r"paused at step (\d+) of 2,000", page.inner_text("#run-head"))[1]
    assert page.inner_text("#resume") == f"Resume from step {saved}"
    page.click("#resume")
    at_step(page, int(saved) + 1)
    page.click("#stop")
    page.wait_for_selector("#run-head .state.stopped")
    assert "its model was kept" in page.inner_text("#run-head")
    page.click("#delete")
    page.click("#run-notice button:has-text('Delete for good')")
    page.wait_for_function("document.querySelector('#run-notice').innerText.includes('was deleted')")
    page.wait_for_function("!document.querySelector('#train-run input').value.includes('one to pause')")
    client.started.clear()
    assert other.errors == []


def test_queued_runs_are_moved_and_removed_with_the_keyboard(visit, client):
    first, second, third = begin(client, "at work", "second", "third")
    page = visit().open("train")
    page.wait_for_selector("#queue li >> nth=1")
    page.focus(f"#queue button[data-pick='up:{third}']")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#queue li').innerText.includes('third')")
    page.wait_for_function("id => document.activeElement.dataset.pick === `down:${id}`", arg=third)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#queue li').length === 1")
    assert client.predict(third, api_name="/status")["state"] == "stopped"
    assert "1 queued" in page.inner_text("#status") and "second" in page.inner_text("#queue")


def test_25_starts_at_the_same_moment_are_one_run(client):
    queue = [client.submit(LONG.format("by many"), api_name="/start") for _ in range(25)]
    client.started = sorted({job.result() for job in queue})
    assert len(client.started) == 1


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


@pytest.mark.heavy
def test_each_of_50_refreshes_shows_the_run_again(visit, client):
    other = visit()
    begin(client, "watched")
    at_step(other.open("train"), 1)
    seconds = sorted(refresh(other) for _ in range(50))
    print(f"shown again after {seconds[25]:.1f} s in the middle, {seconds[-1]:.1f} s at the longest")
    assert seconds[25] <= 2 * slowness() and "watched" in other.page.inner_text("#run-head")
    assert client.predict(client.started[0], api_name="/status")["state"] == "running"


@pytest.mark.heavy
def test_from_start_to_finished_takes_at_most_90_seconds(browser, tmp_path):
    with app(tmp_path) as address:
        seen = click_through(Visit(browser, address), browser, steps=None)
    print(f"pirate voice with LoRA: {seen['seconds']:.0f} s")
    assert seen["seconds"] <= 90


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


BARE = """
import sys, threading
import gradio as gr
with gr.Blocks() as page:
    for name in ("data", "method", "train", "compare"):
        with gr.Tab(name, id=name, elem_id="tab-" + name):
            gr.HTML("<h2 class='lead'>Hello</h2>")
page.launch(server_name="127.0.0.1", server_port=int(sys.argv[-1]), prevent_thread_lock=True, quiet=True)
threading.Event().wait()
"""
ROUNDS = (2, 4)
"""At least and at most, as other work on the machine may fall on one of the two pages alone."""


@pytest.mark.heavy
def test_the_page_is_usable_nearly_as_soon_as_a_bare_one(browser, tmp_path):
    bare = tmp_path / "bare.py"
    bare.write_text(BARE)
    seconds = {"app.py": [], bare: []}
    least, most = ROUNDS
    for done in range(1, most + 1):
        for script, taken in seconds.items():
            start = time.monotonic()
            with app(tmp_path / "home", script) as address:
                visit = Visit(browser, address)
                visit.page.goto(address)
                visit.page.wait_for_selector("#tab-data .lead")
                taken.append(time.monotonic() - start)
                visit.close()
        ours, theirs = min(seconds["app.py"]), min(seconds[bare])
        print(f"usable after {ours:.1f} s, a bare page after {theirs:.1f} s")
        if done >= least and ours <= 1.5 * theirs:
            break
    assert ours <= 1.5 * theirs
