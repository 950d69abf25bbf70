import io
import json
import shlex
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from finetune.exports.production import Production
from finetune.serving.announcement import address, curl, facts, python, words
from finetune.serving.key import VARIABLE, Key
from finetune.terminal import Guarded

SECRET = "correct-horse-battery-staple"


def test_the_address_is_one_that_this_machine_reaches():
    assert address("127.0.0.1", 8000) == "http://127.0.0.1:8000/v1"
    assert address("0.0.0.0", 1) == "http://127.0.0.1:1/v1" and address("::", 1) == "http://127.0.0.1:1/v1"
    assert address("::1", 1) == "http://[::1]:1/v1" and address("gpu-box", 1) == "http://gpu-box:1/v1"


def test_a_program_reads_address_and_models(models):
    found = json.loads(json.dumps(facts("http://x/v1", models, None)))
    assert found["address"] == "http://x/v1" and not found["needs_key"]
    assert [(each["role"], each["context"]) for each in found["models"]] == [("tuned", 512), ("base", 512)]


@pytest.mark.threat("T33")
@pytest.mark.parametrize("file", [None, Path("my key.txt")])
def test_no_key_is_printed_and_the_lines_reach_the_terminal_whole(models, file, monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    stream = io.StringIO()
    lines = words("http://x/v1", models, Key.of(SECRET, file), 3, Production(("vllm serve x",), "It is so."))
    Guarded(stream).writelines(f"{line}\n" for line in lines)
    assert SECRET not in stream.getvalue() and "[hidden]" not in stream.getvalue()
    assert (str(file) if file else VARIABLE) in stream.getvalue() and "3 more may wait" in stream.getvalue()


def test_both_ways_to_ask_are_answered(live, home):
    name = home[1]["lora"].id
    line = shlex.split(curl(live.url, name, None))
    answer = subprocess.run([*line, "-s"], capture_output=True, text=True, timeout=60, check=True)
    content = json.loads(answer.stdout)["choices"][0]["message"]["content"]
    with redirect_stdout(io.StringIO()) as printed:
        exec("\n".join(python(live.url, name, None)), {})
    assert printed.getvalue() == f"{content}\n"


@pytest.mark.parametrize("key", [None, Key.of(SECRET), Key.of(SECRET, Path("my key.txt"))])
def test_the_lines_of_python_are_python(key):
    lines = python("http://x/v1", "001-it's", key)
    compile("\n".join(lines), "lines", "exec")
    assert len(lines) == (4 if key is None else 5 if key.file else 6)


def test_a_run_that_vllm_cannot_serve_says_why(models):
    lines = words("http://x/v1", models, None, 3, Production((), "vLLM cannot."))
    assert lines[-1] == "vLLM cannot." and "No key is needed: only programs of this machine can ask." in lines
