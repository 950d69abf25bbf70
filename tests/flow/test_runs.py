"""Runs are paused, moved, stopped, started by many and by a program."""

import re
import time

import pytest

from tests.flow.steps import LONG, at_step, begin, refresh
from tests.pace import slowness

NOTIFIED = """() => {
  window.told = [];
  window.Notification = class {
    static permission = 'default';
    static requestPermission = async () => { window.asked = true; return 'granted'; };
    constructor(title, {body}) { window.told.push(body); }
  };
}"""
"""The browser's notifications, noted instead of shown."""


def refreshes_in(page, seconds: int) -> int:
    """How often the page is refreshed within so many seconds."""
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/run/predict" in request.url else None)
    page.wait_for_timeout(seconds * 1000)
    return len(asked)


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


@pytest.mark.heavy
def test_each_of_50_refreshes_shows_the_run_again(visit, client):
    other = visit()
    begin(client, "watched")
    at_step(other.open("train"), 1)
    seconds = sorted(refresh(other) for _ in range(50))
    print(f"shown again after {seconds[25]:.1f} s in the middle, {seconds[-1]:.1f} s at the longest")
    assert seconds[25] <= 2 * slowness() and "watched" in other.page.inner_text("#run-head")
    assert client.predict(client.started[0], api_name="/status")["state"] == "running"
