"""What several files of this folder do on the page, and what they wait for."""

import time

from tests.browser import Visit

LONG = """
name: {}
data: {{path: assets/samples/pirate-voice.jsonl}}
training: {{max_steps: 2000, save_steps: 2}}
evaluation: {{times: 1}}
"""


def begin(client, *names) -> list[str]:
    """The ids of new runs that take minutes."""
    runs = [client.predict(LONG.format(name), api_name="/start") for name in names]
    client.started += runs
    return runs


def at_step(page, step: int) -> None:
    """Return once the run that is shown has come to ``step`` or beyond."""
    script = "least => +(document.querySelector('#run-head').innerText.match(/step ([\\d,]+)/)?.[1] ?? 0) >= least"
    page.wait_for_function(script, arg=step)


def refresh(visit: Visit) -> float:
    """Seconds from reloading the page until the run is shown again."""
    start = time.monotonic()
    visit.load_again("train")
    visit.page.wait_for_selector("#run-head .run-head")
    return time.monotonic() - start


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


def choose(page, chooser: str, option: str) -> None:
    """Pick ``option`` of the list ``chooser``."""
    page.click(f"#{chooser} input")
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_function("!document.querySelector('[role=option]')")
