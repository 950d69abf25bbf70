"""Data is named, mended, pasted and mixed on the page."""

from tests.flow.steps import choose


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
