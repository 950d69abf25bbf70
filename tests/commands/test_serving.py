"""``serve`` as a person and as a script start it."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import openai
import pytest

from finetune.paths import PROJECT
from finetune.serving.key import VARIABLE
from tests.inference.tuned import tuned_run

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def run(with_tiny):
    return tuned_run(with_tiny, {"type": "lora"})


@contextmanager
def process(run, *words, key=None):
    """``serve`` of ``run`` in a process of its own."""
    environment = {**os.environ, "FINETUNE_HOME": str(run.path.parents[1]), "OMP_NUM_THREADS": "1"}
    environment |= {VARIABLE: key} if key else {}
    line = [sys.executable, "-m", "finetune", "serve", run.id, "--port", "0", *words]
    started = subprocess.Popen(
        line, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def client(address, key="none"):
    return openai.OpenAI(base_url=address, api_key=key, max_retries=0, timeout=60)


@pytest.mark.parametrize("signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.heavy)])
def test_a_script_waits_for_one_json_object_and_a_signal_ends_it_cleanly(run, signum):
    with process(run, "--json", key=SECRET) as server:
        told = json.loads(server.stdout.readline())
        assert [each["id"] for each in told["models"]] == [run.id, "tiny"] and told["needs_key"]
        with client(told["address"], SECRET) as asking:
            found = asking.chat.completions.create(
                model=run.id, messages=[{"role": "user", "content": "Hi"}], max_tokens=400, stream=True, seed=1
            )
            next(iter(found))
            server.send_signal(signum)
            out, error = server.communicate(timeout=20)
        assert (server.returncode, out) == (0, "") and "Traceback" not in error and SECRET not in error
        port = urlsplit(told["address"]).port
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 5).close()


def test_a_person_reads_where_it_is_and_how_to_ask(command, run, monkeypatch, capsys):
    monkeypatch.delenv(VARIABLE, raising=False)
    read = []

    class Reasons:
        """Asks the models while the command waits for a reason to end, and then gives one."""

        def get(self):
            read.append(capsys.readouterr().out)
            with client(address(read[0])) as asking:
                read.append([each.id for each in asking.models.list()])
            return 0

    def address(text):
        return text.split(" at ")[1].split()[0]

    monkeypatch.setattr("finetune.service.server.reasons_to_end", lambda context_lost: Reasons())
    code, out, error = command("serve", run.id, "--port", "0")
    text, listed = read
    assert (code, out, error) == (0, "", "") and listed == [run.id, "tiny"]
    assert text.startswith(f"{run.id} is served at {address(text)} (Ctrl+C ends it)\n")
    assert f"\nModels: {run.id} (tuned) and tiny (base).\n" in text
    assert f"curl {address(text)}/chat/completions" in text and f'OpenAI(base_url="{address(text)}"' in text
    with pytest.raises(openai.APIConnectionError), client(address(text)) as asking:
        asking.models.list()


def test_what_cannot_be_served_is_a_sentence_and_exit_code_2(command, run, with_tiny, monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("finetune.serving.models.load_libraries", lambda: pytest.fail("it was loaded"))
    reward = with_tiny.create(run.recipe.changed(**{"method.type": "reward"}))
    reward.model_dir.mkdir()
    (reward.model_dir / "adapter_model.safetensors").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, sentence in (
            ((run.id, "--port", port), f"Port {port} is taken. Choose another one with --port."),
            (
                (run.id, "--host", "0.0.0.0"),
                "At 0.0.0.0 others could ask these models, and there is no key that they would need.",
            ),
            ((run.id, "--key-file", tmp_path / "none"), f"The file {tmp_path / 'none'} cannot be read."),
            ((run.id, "--waiting", "-1"), "--waiting -1: this is 0 or more."),
            ((reward.id, "--port", "0"), "is a reward model: it rates answers and writes none."),
            (("9", "--port", "0"), "There is no run '9'"),
        ):
            code, out, error = command("serve", *words)
            assert (code, out) == (2, "") and sentence in error and "Traceback" not in error


def test_ctrl_c_while_the_models_load_is_no_traceback(command, run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("finetune.serving.models.Models.load", interrupted)
    code, out, error = command("serve", run.id, "--port", "0")
    assert (code, out) == (130, "") and "Traceback" not in error
