"""What the page, the events and three viewers cost the training, within one run.

One process serves the page and trains a sample, as the app does. A viewer in a process of its own has the Train tab
drawn for it, as a browser does, when it is told to. After every third step a lot decides whether it is. How much longer
the three steps take with a look than without is what a look takes from the training; so a hundredth can be told on a
machine whose own pace differs by a fifth from one second to the next, which blocks of steps, watched and not, could
not. What the events cost is the time that the training spends in telling them.
"""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

VIEWERS = 3
APART = 3
"""Steps from one lot to the next; a look is over before."""


@dataclass
class Cost:
    """What is taken from a training, beside its own steps."""

    look_s: float
    """Seconds of training that one look of one viewer takes, the viewer's own work on the same cores included."""
    error_s: float
    """Its standard error."""
    events: float
    """Share of the training's time that goes into telling its events."""

    def speed(self, every_s: float) -> float:
        """The speed of a training that ``VIEWERS`` look at every so many seconds, against that alone.

        No look is taken to be shared; where they look each second, some are, and it is a little faster.
        """
        return (1 - self.events) * (1 - VIEWERS * self.look_s / every_s)


def watched(recipe, looks: int) -> Cost:
    """What it costs the training of ``recipe`` to be watched, from about so many ``looks``."""
    from finetune.machine.libraries import load
    from finetune.runs.view import FINISHED
    from finetune.runs.workspace import Workspace
    from finetune.training import reporter
    from finetune.ui.page import build, launch_options
    from finetune.ui.studio import Studio

    load()
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        studio, lots = Studio(Workspace(Path(folder))), Lots()
        reporter.Reporter = timed(reporter.Reporter, lots)
        page = build(studio)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        run = studio.start(recipe.changed(**{"training.max_steps": 2 * APART * looks}))
        lots.viewer = Viewer(url, page, run.id)
        while (view := run.view()).state not in FINISHED:
            time.sleep(2)
        lots.viewer.close()
        page.close()
        assert view.state == "done", view.message
    return lots.cost()


@dataclass
class Lots:
    """After which steps the viewer looked, and the time of the steps after each lot."""

    viewer: "Viewer | None" = None
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    """Of ``APART`` steps each, with a look and without."""
    telling_s: float = 0.0
    """Seconds spent in the reporter."""
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _looks: bool | None = None
    _began: float = 0.0

    def step_ended(self, step: int) -> None:
        """Draw after every third step; the first lot waits until the viewer is there and knows the page."""
        if step % APART:
            return
        now = time.perf_counter()
        if self._looks is not None:
            self.seconds[self._looks].append(now - self._began)
        if self.viewer is None:
            return
        self._looks = self._chance.random() < 0.5
        if self._looks:
            self.viewer.look()
        self._began = time.perf_counter()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Count the time of what is done meanwhile as the reporter's."""
        began = time.perf_counter()
        yield
        self.telling_s += time.perf_counter() - began

    def cost(self) -> Cost:
        alone, looked = self.seconds[False], self.seconds[True]
        means = statistics.fmean(looked), statistics.fmean(alone)
        errors = (statistics.variance(taken) / len(taken) for taken in (looked, alone))
        return Cost(means[0] - means[1], sum(errors) ** 0.5, self.telling_s / (sum(alone) + sum(looked)))


def timed(reporter_class: type, lots: Lots) -> type:
    """``reporter_class`` that says how long it took, and when a step ended."""

    class Reporter(reporter_class):
        def on_step_begin(self, *given, **named):
            with lots.telling():
                super().on_step_begin(*given, **named)

        def on_step_end(self, *given, **named):
            with lots.telling():
                super().on_step_end(*given, **named)

        def on_log(self, args, state, *given, **named):
            with lots.telling():
                super().on_log(args, state, *given, **named)
            lots.step_ended(state.global_step)

    return Reporter


class Viewer:
    """Somebody with the page open, in a process of their own, who looks when told to."""

    def __init__(self, url: str, page, run_id: str):
        event = next(str(number) for number, event in page.fns.items() if event.api_name == "tick")
        command = [sys.executable, "-m", __spec__.name, url, event, run_id]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def look(self) -> None:
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        assert self._process.wait() == 0, "The viewer failed."


def _view(url: str, event: str, run_id: str) -> None:
    """Be the viewer: look at each line that is read, over one connection."""
    url = url.rstrip("/")
    server = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    body = json.dumps({"data": [None, run_id, None], "fn_index": int(event), "session_hash": "viewer"})
    headers = {"Content-Type": "application/json", "Origin": url}
    for _ in sys.stdin:
        while True:
            try:
                server.request("POST", "/gradio_api/run/predict", body, headers)
                assert json.load(server.getresponse())["data"]
                break
            except (ConnectionError, TimeoutError):  # the server ends a connection that was not used for five seconds
                server.close()


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    _view(*sys.argv[1:])
