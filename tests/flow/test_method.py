"""Methods and settings are found, advised, refused and swept on the page."""

SWEEP = """
name: two rates
data: {path: assets/samples/pirate-voice.jsonl}
training: {learning_rate: [0.001, 0.003], max_steps: 2}
evaluation: {times: 1}
"""


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


def test_a_refused_value_is_named_and_nothing_starts(visit):
    page = visit().open()
    page.click("#samples button >> nth=0")
    page.click("#to-method")
    page.fill("#setting-training-epochs textarea", "-1")
    page.click("#start:not([disabled])")
    page.wait_for_selector("#problems [role=alert]")
    assert "Epochs" in page.inner_text("#problems")


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
