"""What floods cost: a table of the real program's answers, memory and training speed, all in one run of it.

    python -m tests.threats.load [--seconds 60] [--rounds 3]

A run trains all the time. Of each flood there are several rounds, each after a quiet time of the same length; the speed
of the training is compared between the two, since a machine's own speed drifts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from finetune.paths import PROJECT
from finetune.runs.workspace import Workspace
from tests.browser import free_port
from tests.door.served import head, raw, status
from tests.threats.flood import AT_ONCE

RECIPE = """
name: {name}
model: {{id: {model}}}
data: {{path: assets/samples/pirate-voice.jsonl}}
training: {{max_steps: {steps}, batch_size: 4, save_steps: 100000}}
evaluation: {{times: 0}}
"""
BYSTANDER = "127.0.9.1"


@dataclass
class Row:
    """What one flood did."""

    kind: str
    answers: Counter = field(default_factory=Counter)
    ticks_s: list[float] = field(default_factory=list)
    """What a tick of another visitor's page took."""
    speeds: list[float] = field(default_factory=list)
    """Steps per second during the flood over those before it, for each round."""
    beside: list[float] = field(default_factory=list)
    """Processor time of the server's other threads, per second, during each round less before it."""
    memory: list[int] = field(default_factory=list)
    """Bytes of the server at the end of each round."""

    @property
    def tick_p95_s(self) -> float:
        return sorted(self.ticks_s)[int(len(self.ticks_s) * 0.95)] if self.ticks_s else 0.0

    @property
    def speed(self) -> float:
        return statistics.median(self.speeds)

    def __str__(self) -> str:
        answers = ", ".join(f"{key}: {number}" for key, number in sorted(self.answers.items(), key=str))
        memory, tick = self.memory[-1] / 2**20 if self.memory else 0, 1000 * self.tick_p95_s
        return (
            f"{self.kind:12} {answers:40} tick p95 {tick:5.0f} ms  {memory:6.0f} MB  "
            f"beside {statistics.median(self.beside):5.1%}  speed {self.speed:5.1%}"
        )


class Served:
    """The real program, which others can reach, with a run at work."""

    def __init__(self, home: Path, model: str = "starter"):
        self.workspace, self.port, self.model = Workspace(home), free_port(), model
        self.command = [sys.executable, "app.py", "--no-browser", "--host", "0.0.0.0", "--insecure"]
        self.process = subprocess.Popen(
            [*self.command, "--port", str(self.port)],
            cwd=PROJECT,
            env={**os.environ, "FINETUNE_HOME": str(home), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            stdout=subprocess.DEVNULL,
        )
        until(lambda: (home / "server.json").exists())
        config = json.loads(self.get("/config"))
        self.functions = {each["api_name"]: each["id"] for each in config["dependencies"] if each["api_name"]}
        (self.server,) = psutil.Process(self.process.pid).children()

    def get(self, path: str) -> bytes:
        return raw(self.port, head(self.port, f"GET {path} HTTP/1.1"), BYSTANDER, 60).partition(b"\r\n\r\n")[2]

    def call(self, name: str, *values, source: str = BYSTANDER):
        """What a function of the page returns."""
        from gradio_client import Client

        patient = {"timeout": 120}  # by default a client gives up after 5 s, which 25 of them in one process take
        client = Client(f"http://127.0.0.1:{self.port}", verbose=False, httpx_kwargs=patient)
        return client.predict(*values, api_name=f"/{name}")

    def train(self, name: str, steps: int):
        """A new run, at work."""
        run = self.workspace.run(self.call("start", RECIPE.format(name=name, steps=steps, model=self.model)))
        until(lambda: run.view().step >= min(5, steps) or run.view().state == "failed")
        assert run.view().state != "failed", run.view().message
        return run

    def tick(self) -> tuple[int, float]:
        """The status of another visitor's tick, and what it took."""
        body = json.dumps(
            {"data": [None] * 3, "fn_index": self.functions["tick"], "session_hash": "bystander"}
        ).encode()
        fields = (f"Content-Length: {len(body)}", "Content-Type: application/json")
        began = time.monotonic()
        answer = raw(self.port, head(self.port, "POST /gradio_api/run/predict HTTP/1.1", *fields) + body, BYSTANDER, 60)
        return status(answer), time.monotonic() - began

    @property
    def memory(self) -> int:
        return self.server.memory_info().rss

    def used(self) -> dict[int, float]:
        """The processor time of each thread of the server so far; most of it is the training's."""
        return {each.id: each.user_time + each.system_time for each in self.server.threads()}

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def until(is_so, seconds: float = 180) -> None:
    """Return once ``is_so``."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@contextmanager
def served(home: Path, model: str = "starter"):
    """The program, until the block is left."""
    running = Served(home, model)
    try:
        yield running
    finally:
        running.close()


def speed(at: Served, run, seconds: float) -> tuple[float, float]:
    """Steps per second of ``run`` in the next ``seconds``, and the processor time beside it, per second."""
    steps, used = run.view().steps, at.used()
    began, first = steps[-1].elapsed_s, steps[-1].step
    time.sleep(seconds)
    spent = [now - used.get(thread, 0) for thread, now in at.used().items()]
    steps = run.view().steps
    return (steps[-1].step - first) / max(1e-9, steps[-1].elapsed_s - began), (sum(spent) - max(spent)) / seconds


def flooded(at: Served, run, row: Row, seconds: float, given: dict) -> None:
    """One round of the flood of ``row``: first quiet, then flooded, each for ``seconds``."""
    quiet, quiet_beside = speed(at, run, seconds)
    command = [sys.executable, "-m", "tests.threats.flood", row.kind, str(at.port), str(seconds), json.dumps(given)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            code, took = at.tick()
            row.answers["tick refused"] += code != 200
            row.ticks_s.append(took)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    flooded_speed, beside = speed(at, run, max(1.0, seconds - 2))
    row.speeds.append(flooded_speed / quiet)
    row.beside.append(beside - quiet_beside)
    over.set()
    row.answers += Counter(json.loads(process.communicate(timeout=300)[0]))
    watching.join(60)
    row.memory.append(at.memory)


def table(seconds: float, rounds: int, model: str = "starter", kinds=tuple(AT_ONCE), **given) -> tuple[list[Row], dict]:
    """A row for each of ``kinds``, and the server's memory in bytes before, at most and some time after."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder, served(Path(folder), model) as at:
        asked = at.train("asked", 10)
        until(lambda: asked.view().state == "done")
        run = at.train("at work", 1_000_000)
        at.call("compare", asked.id, "Hello?", 7, 4, True)
        for _ in range(10):
            at.tick()
        rows, facts = [Row(kind) for kind in kinds], {"run": asked.id, "functions": at.functions, **given}
        time.sleep(seconds / 2)
        memory = {"before": at.memory}
        for _ in range(rounds):
            for row in rows:
                flooded(at, run, row, seconds, facts)
        memory["most"] = max(each for row in rows for each in row.memory)
        time.sleep(max(20.0, seconds))
        memory["after"] = at.memory
        assert run.view().state == "running"
    return rows, memory


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each round of a flood")
    parser.add_argument("--rounds", type=int, default=3, help="of each flood")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--kinds", nargs="*", default=list(AT_ONCE))
    options = parser.parse_args()
    found, memory = table(options.seconds, options.rounds, options.model, options.kinds)
    print(*found, sep="\n")
    print("memory", {key: f"{value / 2**20:.0f} MB" for key, value in memory.items()})
