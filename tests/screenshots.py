"""Pictures of the four tabs for the README, taken from the running app: ``python -m tests.screenshots``.

A real run: the pirate sample, LoRA, the starter. It takes as long as that run does.
"""

import tempfile
from pathlib import Path

from finetune.paths import ASSETS
from tests.browser import Visit, app, chromium

FOLDER = ASSETS / "screenshots"
QUESTIONS = ("What is the capital of France?", "What colour is the sea?")


def main() -> None:
    """Write data.png, method.png, train.png and compare.png."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as address, chromium() as browser:
        visit = Visit(browser, address)
        page = visit.open()
        page.click("#samples button:has-text('Pirate voice')")
        page.wait_for_selector(".conversation mark.trained")
        page.wait_for_function("!document.querySelector('.status')?.innerText.includes('Getting ready')")
        take(page, "data")
        page.click("#to-method")
        page.wait_for_function("document.querySelector('#estimate')?.innerText.includes('GB')")
        take(page, "method")
        page.click("#start")
        answered = "document.querySelectorAll('#answers article:first-of-type dt').length > 2"
        page.wait_for_function(answered, timeout=600_000)
        take(page, "train")
        page.wait_for_selector("#to-compare", timeout=1_200_000)
        page.click("#to-compare")
        for question in QUESTIONS:
            page.fill("#question textarea", question)
            page.press("#question textarea", "Enter")
            page.wait_for_function(
                "asked => document.querySelectorAll('#pane .question').length === asked && "
                "document.querySelector('#ask') && document.querySelector('#compare-line .figures')",
                arg=QUESTIONS.index(question) + 1,
            )
        take(page, "compare")


def take(page, name: str) -> None:
    """Write one picture, once everything has come to rest and nothing is under the pointer."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
