"""From the sample to a finished run, as a new user clicks."""

import time

from tests.browser import Visit
from tests.flow.steps import refresh

TABS = ("data", "method", "train", "compare")
PROOFS = ("Ask", "Blind test", "Scores", "Report")


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


def seen_from_elsewhere(visit: Visit, browser) -> str:
    """What a second visitor, in a browser of his own, is shown of the run."""
    other = Visit(browser, visit.address)
    page = other.open("train")
    page.wait_for_selector("#run-head .run-head")
    text = page.inner_text("#run-head")
    other.close()
    return text


def places(visit: Visit):
    """Goes to each tab, and to each view of the last; their names."""
    for tab in TABS:
        visit.go(tab)
        yield tab
    for proof in PROOFS:
        visit.page.click(f"#proofs [role=tab]:has-text('{proof}')")
        visit.page.wait_for_selector(f"#proofs [role=tab][aria-selected=true]:has-text('{proof}')")
        yield proof
