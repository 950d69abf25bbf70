"""The cost of the page, the events and three viewers to the training, measured within one run.

One process serves the page and trains a sample, as the app does. A viewer in another process polls the Train tab on
request, as a browser does. After every third step a random number decides whether it polls. The difference between
three steps with a poll and without is the cost of a poll. So one percent can be measured on a machine whose own speed
varies by a fifth from one second to the next, where a comparison of separate blocks of steps fails. The cost of the
events is the time that the training spends in its reporter.
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
"""Steps from one random decision to the next; a poll has ended by then."""


@dataclass
class Cost:
    """The cost to a training, beside its own steps."""

    poll_s: float
    """Seconds of training that one poll of one viewer costs, including the viewer's own work on the same cores."""
    error_s: float
    """Its standard error."""
    events: float
    """Share of the training's time that its reporter takes."""

    def speed(self, every_s: float) -> float:
        """The speed of a training that ``VIEWERS`` poll every ``every_s`` seconds, relative to that without viewers.

        It assumes that no poll is shared. With a poll each second some are, and the training is a little faster.
        """
        return (1 - self.events) * (1 - VIEWERS * self.poll_s / every_s)


def watched(recipe, polls: int) -> Cost:
    """The cost of viewers to the training of ``recipe``, from about ``polls`` polls."""
    from finetune.door.serving import Serving
    from finetune.machine.libraries import load
    from finetune.runs.view import FINISHED
    from finetune.runs.workspace import Workspace
    from finetune.training import reporter
    from finetune.ui.site import site
    from finetune.ui.studio import Studio

    load()
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        studio, polls_seen = Studio(Workspace(Path(folder))), Polls()
        reporter.Reporter = timed(reporter.Reporter, polls_seen)
        app = site(studio)
        serving = Serving(app, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{serving.port}/"
        run = studio.start(recipe.changed(**{"training.max_steps": 2 * APART * polls}))
        polls_seen.viewer = Viewer(url, app.state.page, run.id)
        while (view := run.view()).state not in FINISHED:
            time.sleep(2)
        polls_seen.viewer.close()
        serving.close()
        assert view.state == "done", view.message
    return polls_seen.cost()


@dataclass
class Polls:
    """Random polls of the viewer during a training, and the time of the steps with and without one."""

    viewer: "Viewer | None" = None
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    """Of ``APART`` steps each, with a poll and without."""
    reporting_s: float = 0.0
    """Seconds spent in the reporter."""
    _generator: random.Random = field(default_factory=lambda: random.Random(7))
    _is_polled: bool | None = None
    _began: float = 0.0

    def step_ended(self, step: int) -> None:
        """Decide at random after every third step; the first decision waits for a viewer that has loaded the page."""
        if step % APART:
            return
        now = time.perf_counter()
        if self._is_polled is not None:
            self.seconds[self._is_polled].append(now - self._began)
        if self.viewer is None:
            return
        self._is_polled = self._generator.random() < 0.5
        if self._is_polled:
            self.viewer.poll()
        self._began = time.perf_counter()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Count the time inside the block as the reporter's."""
        began = time.perf_counter()
        yield
        self.reporting_s += time.perf_counter() - began

    def cost(self) -> Cost:
        alone, polled = self.seconds[False], self.seconds[True]
        means = statistics.fmean(polled), statistics.fmean(alone)
        errors = (statistics.variance(seconds) / len(seconds) for seconds in (polled, alone))
        return Cost(means[0] - means[1], sum(errors) ** 0.5, self.reporting_s / (sum(alone) + sum(polled)))


def timed(reporter_class: type, polls: Polls) -> type:
    """``reporter_class`` that also reports its own time, and the end of each step, to ``polls``."""

    class Reporter(reporter_class):
        def on_step_begin(self, *given, **named):
            with polls.reporting():
                super().on_step_begin(*given, **named)

        def on_step_end(self, *given, **named):
            with polls.reporting():
                super().on_step_end(*given, **named)

        def on_log(self, args, state, *given, **named):
            with polls.reporting():
                super().on_log(args, state, *given, **named)
            polls.step_ended(state.global_step)

    return Reporter


class Viewer:
    """A viewer with the page open, in its own process, that polls on request."""

    def __init__(self, url: str, page, run_id: str):
        event = next(str(number) for number, event in page.fns.items() if event.api_name == "tick")
        command = [sys.executable, "-m", __spec__.name, url, event, run_id]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def poll(self) -> None:
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        assert self._process.wait() == 0, "The viewer failed."


def _view(url: str, event: str, run_id: str) -> None:
    """The viewer's process: poll the page for each line on stdin, over one connection."""
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
            except (ConnectionError, TimeoutError):  # the server closes a connection that was idle for five seconds
                server.close()


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    _view(*sys.argv[1:])
