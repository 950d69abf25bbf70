"""What the page, the events and three viewers cost the training, within one run.

One process serves the page and trains a sample, as the app does. Blocks of steps take turns: in one kind the run writes
its events and three viewers, in a process of their own, have the Train tab drawn for them as often as the page does; in
the other kind nothing is written and nobody looks. What else happens on the machine thus hits both alike.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BLOCK = 50
"""Steps in a block: four seconds or so, in which each viewer looks twice."""
VIEWERS = 3


def watched(recipe, pairs: int) -> float:
    """The speed of ``recipe`` while it is watched, against that alone: the median of so many ``pairs`` of blocks."""
    from finetune import reporter
    from finetune.libraries import load
    from finetune.ui.page import build, launch_options
    from finetune.ui.studio import Studio
    from finetune.view import FINISHED
    from finetune.workspace import Workspace

    load()
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        studio, turns = Studio(Workspace(Path(folder))), Turns()
        reporter.Reporter = taking_turns(reporter.Reporter, turns)
        page = build(studio)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        run = studio.start(recipe.changed(**{"training.max_steps": 2 * pairs * BLOCK}))
        turns.viewers = viewers = Viewers(url, page, run.id)
        while (view := run.view()).state not in FINISHED:
            time.sleep(2)
        viewers.close()
        page.close()
        assert view.state == "done", view.message
    assert viewers.looks >= pairs * VIEWERS, f"The viewers looked {viewers.looks} times only."
    return statistics.median(alone / watched for alone, watched in zip(*turns.seconds.values()))


class Turns:
    """Whose turn it is, and the seconds per step of each block."""

    def __init__(self):
        self.seconds = {"alone": [], "watched": []}
        self.is_watched = False
        self.viewers: Viewers | None = None
        self._steps, self._began = 0, 0.0

    def step_ended(self) -> None:
        """Count a step; the first of a block only starts its clock."""
        now = time.perf_counter()
        if self._steps == 0:
            self._began = now
        self._steps += 1
        if self._steps == BLOCK:
            self.seconds["watched" if self.is_watched else "alone"].append((now - self._began) / (BLOCK - 1))
            self._steps, self.is_watched = 0, not self.is_watched
            self.viewers.look(self.is_watched)


def taking_turns(reporter_class: type, turns: Turns) -> type:
    """``reporter_class`` that does nothing at a step unless it is its turn."""

    class Reporter(reporter_class):
        def on_step_begin(self, *given, **named):
            if turns.is_watched:
                super().on_step_begin(*given, **named)

        def on_step_end(self, *given, **named):
            if turns.is_watched:
                super().on_step_end(*given, **named)

        def on_log(self, *given, **named):
            if turns.is_watched:
                super().on_log(*given, **named)
            turns.step_ended()

    return Reporter


class Viewers:
    """Several people with the page open, in a process of their own, who look or do not."""

    def __init__(self, url: str, page, run_id: str):
        events = [_number(page, name) for name in ("tick", "choosers")]
        command = [sys.executable, "-m", __spec__.name, url, *events, run_id]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.looks = 0

    def look(self, whether: bool) -> None:
        """Have them look, or look away."""
        self._process.stdin.write(f"{int(whether)}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process; ``looks`` is how often they looked in all."""
        said, _ = self._process.communicate()
        self.looks = int(said)


def _number(page, api_name: str) -> str:
    """The number of an event of the page."""
    return next(str(number) for number, event in page.fns.items() if event.api_name == api_name)


class Viewer(threading.Thread):
    """Looks at a run as a browser does that shows the page: over one connection, as often as the page asks for."""

    def __init__(self, number: int, url: str, tick: str, choosers: str, run_id: str):
        super().__init__()
        self.number, self.looks = number, 0
        self.looking, self.over = threading.Event(), threading.Event()
        self._url, self._tick, self._choosers, self._run_id = url.rstrip("/"), int(tick), int(choosers), run_id
        self._server = http.client.HTTPConnection(self._url.removeprefix("http://"), timeout=30)
        self._every_s, self._choosing = 1.0, ""

    def run(self) -> None:
        due = time.monotonic() + self.number / VIEWERS
        while not self.over.wait(max(0.0, due - time.monotonic())):
            if self.looking.is_set():
                self._look()
            due = max(due + self._every_s, time.monotonic())

    def _look(self) -> None:
        self.looks += 1
        _, choosing, *_ = self._asked(self._tick, [None, self._run_id, None])
        if choosing != self._choosing:
            *_, clock = self._asked(self._choosers, [None])
            self._choosing, self._every_s = choosing, clock["value"]

    def _asked(self, event: int, data: list) -> list:
        body = {"data": data, "fn_index": event, "session_hash": f"viewer-{self.number}"}
        headers = {"Content-Type": "application/json", "Origin": self._url}
        while True:
            try:
                self._server.request("POST", "/gradio_api/run/predict", json.dumps(body), headers)
                return json.load(self._server.getresponse())["data"]
            except (ConnectionError, TimeoutError):  # the server ends a connection that was not used for five seconds
                self._server.close()


def _view(*given: str) -> None:
    """Be the viewers: look while the last line read is 1, until there are no more; then print how often."""
    viewers = [Viewer(number, *given) for number in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    for line in sys.stdin:
        for viewer in viewers:
            viewer.looking.set() if line.strip() == "1" else viewer.looking.clear()
    for viewer in viewers:
        viewer.over.set()
        viewer.join()
    print(sum(viewer.looks for viewer in viewers))


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    _view(*sys.argv[1:])
