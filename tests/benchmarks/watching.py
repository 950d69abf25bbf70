"""What the page, the events and three viewers cost the training, within one run.

One process serves the page and trains a sample, as the app does. Blocks of steps take turns: in one kind the run writes
its events and three viewers, in a process of their own, have the Train tab drawn for them every second; in the other
kind nothing is written and nobody looks. What else happens on the machine thus hits both alike.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

BLOCK = 30
"""Steps in a block: two seconds or so, in which each viewer looks twice."""
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
        turns.viewers = viewers = Viewers(url, _clock_of(page), run.id)
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

    def __init__(self, url: str, clock: int, run_id: str):
        command = [sys.executable, "-m", __spec__.name, url, str(clock), run_id]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.looks = 0

    def look(self, whether: bool) -> None:
        """Have them look every second, or look away."""
        self._process.stdin.write(f"{int(whether)}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process; ``looks`` is how often they looked in all."""
        said, _ = self._process.communicate()
        self.looks = int(said)


def _clock_of(page) -> int:
    """The number of the page's event that draws it anew each second."""
    return next(number for number, event in page.fns.items() if event.api_name == "tick")


def _view(url: str, clock: int, run_id: str) -> None:
    """Be the viewers: look while the last line read is 1, until there are no more; then print how often."""
    looking, over, looks = threading.Event(), threading.Event(), []

    def one(name: str) -> None:
        body = {"data": [None, run_id, None], "fn_index": clock, "session_hash": name}
        asked = urllib.request.Request(
            f"{url.rstrip('/')}/gradio_api/run/predict",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Origin": url.rstrip("/")},
        )
        while not over.is_set():
            if looking.wait(0.05):
                with suppress(TimeoutError), urllib.request.urlopen(asked, timeout=30) as answer:
                    json.load(answer)
                looks.append(name)
                over.wait(1.0)

    threads = [threading.Thread(target=one, args=(f"viewer-{n}",)) for n in range(VIEWERS)]
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        looking.set() if line.strip() == "1" else looking.clear()
    over.set()
    for thread in threads:
        thread.join()
    print(len(looks))


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    _view(sys.argv[1], int(sys.argv[2]), sys.argv[3])
