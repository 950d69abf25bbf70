"""``kill -9`` of the server in the middle of uploads, votes and deletions: each is there whole, or not at all."""

import hashlib
import os
import random
import socket
import time
from contextlib import suppress

import pytest

from finetune.evaluation import ballot, votes
from finetune.service import janitor
from tests.blind import Parrot, prompts
from tests.faults.test_kill import trials
from tests.pace import wait_for
from tests.test_app import program

BUSY = """
import itertools, os, runpy, sys, threading, time
from pathlib import Path

sys.path.insert(0, "")
folder = Path({folder!r})


def done(what):
    with open(folder / "done.txt", "a") as file:
        print(what, file=file, flush=True)
        os.fsync(file.fileno())


def vote():
    from finetune.evaluation import votes

    run = workspace().run("1")
    for n in itertools.count():
        voter = f"{{os.getpid()}}-{{n}}"
        votes.cast(run, voter, n % 4, {mark!r})
        done(f"vote {{voter}}")


def delete():
    for run in reversed(workspace().runs()):
        if run.number > 1:
            workspace().delete(run)
            done(f"delete {{run.id}}")
            workspace().prune()
            time.sleep(0.05)


def bring():
    for n in itertools.count():
        (folder / "sent").write_bytes(os.urandom(20) * 100_000)
        done(f"bring {{workspace().keep(folder / 'sent', 'sent.csv', 'ana')}}")
        time.sleep(0.02)


def workspace():
    from finetune.runs.workspace import Workspace

    return Workspace()


from finetune.service import launcher, server

launcher.FIRST_S = launcher.LONGEST_S = 0.01
say_serving = server.say_serving


def serving(pipe):
    say_serving(pipe)
    for each in (vote, delete, bring):
        threading.Thread(target=each, daemon=True).start()


server.say_serving = serving
runpy.run_path("app.py", run_name="__main__")
"""
"""The program, whose server votes, deletes runs and takes uploads without a pause as soon as it serves."""


def half_an_upload(port: int) -> socket.socket:
    """A connection on which a browser has sent half of a file."""
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        "Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: 2000000\r\n\r\n"
        '--xx\r\nContent-Disposition: form-data; name="files"; filename="half.csv"\r\n\r\n'
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(head.encode() + b"a,b\n" * 250_000)
    return connection


def assert_whole(workspace, done: list[list[str]], first) -> None:
    """What was reported as done is done, and nothing is there by half."""
    said = {verb: [what for each, what in done if each == verb] for verb in ("vote", "delete", "bring")}
    assert set(said["vote"]) <= {vote.voter for vote in votes.read(first).standing}
    listed = workspace.runs()
    assert not {run.id for run in listed} & set(said["delete"])
    for run in listed:
        assert run.recipe and run.view().state == "done" and (run.path / "model" / "weights").stat().st_size == 10**6
    found = workspace.uploads("ana")
    assert {each.path for each in found} >= set(said["bring"])
    for each in workspace.uploads():
        content = (workspace.path / each.path).read_bytes()
        assert hashlib.sha256(content).hexdigest().startswith(each.path.split("/")[1])
        assert each.owners == ("ana",), "an upload is never without its owner"


@pytest.mark.threat("S18", "S12", "T8")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", trials(2, 40))
def test_killed_while_it_votes_deletes_and_takes_uploads(times, workspace, write_run, tmp_path):
    generator, first = random.Random(times), write_run()
    ballot.draw_up(first, prompts(4), "list")
    assert len(list(ballot.ask_rest(first, Parrot))) == 4
    for _ in range(20 * times):
        run = write_run()
        (run.path / "model").mkdir()
        (run.path / "model" / "weights").write_bytes(b"x" * 10**6)
    (first.path / "model").mkdir()
    (first.path / "model" / "weights").write_bytes(b"x" * 10**6)
    script = tmp_path / "busy.py"
    script.write_text(BUSY.format(folder=str(tmp_path), mark="a"))
    report, done = tmp_path / "done.txt", []
    report.touch()
    with program(workspace, str(script)) as running:
        for _ in range(times):
            running.wait_until_up()
            before = len(report.read_text().splitlines())
            wait_for(lambda before=before: len(report.read_text().splitlines()) > before + 5)
            with half_an_upload(running.port):
                time.sleep(generator.uniform(0, 0.5))
                running.server.kill()
                wait_for(lambda: not (workspace.path / "server.json").exists())  # the next server begins
            done = [line.split(" ", 1) for line in report.read_text().splitlines()]
            assert_whole(workspace, done, first)
        running.process.kill()
    assert {verb for verb, _ in done} == {"vote", "delete", "bring"}
    assert list(workspace.cache_dir.glob("tmp*")), "what was cut off is there until it is old"
    for path in [*workspace.cache_dir.rglob("*"), *workspace.uploads_dir.glob(".*")]:
        with suppress(FileNotFoundError):
            os.utime(path, (0, 0))
    janitor.tidy(workspace)
    assert not list(workspace.cache_dir.glob("tmp*")) and not list(workspace.uploads_dir.glob(".*"))
    assert not list(workspace.runs_dir.glob(".trash-*"))
    before = votes.read(first).standing
    votes.cast(first, "the next", 0, "a")
    assert len(votes.read(first).standing) == len(before) + 1, "the next vote has its own line"
