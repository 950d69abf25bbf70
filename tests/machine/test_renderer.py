"""The process that renders, started by itself: how it answers, and that it limits itself."""

import inspect
import json
import marshal
import struct
import subprocess
import sys

import pytest
from transformers.utils import chat_template_utils

from finetune.machine import renderer

SOURCE = inspect.getsource(chat_template_utils._cached_compile_jinja_template)
CHAT = {"messages": [{"role": "user", "content": "Hi"}]}


def asked(*requests, seconds=2.0, memory=512 * 2**20):
    """What it answers, and its exit code."""
    sent = b"".join(
        struct.pack("<Q", len(part)) + part for part in map(marshal.dumps, ((SOURCE, seconds, memory), *requests))
    )
    command = [sys.executable, "-I", renderer.__file__]
    done = subprocess.run(command, input=sent, capture_output=True, env={}, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_it_answers_one_request_after_the_other_and_ends_with_them():
    said, code = asked(
        ("{{ messages[0].content }}", CHAT, False),
        ("{{ nothing.at.all }}", CHAT, False),
        ("a{% generation %}bc{% endgeneration %}", CHAT, True),
    )
    assert said[0] == ["text", "Hi", []] and said[1][:2] == ["template", "UndefinedError"]
    assert said[2] == ["text", "abc", [[1, 3]]] and code == 0


@pytest.mark.threat("T26")
def test_the_system_ends_it_when_it_takes_too_long():
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    said, code = asked(("{{ messages }}", CHAT, False), (loop, CHAT, False), seconds=0.2)
    assert len(said) == 1 and code < 0


@pytest.mark.threat("T26")
def test_it_has_no_more_memory_than_it_may_use():
    said, _ = asked(("{{ ('a' * 300000000) | length }}", CHAT, False), memory=200 * 2**20)
    assert said == [["memory"]]


@pytest.mark.threat("T25")
def test_it_writes_no_file(tmp_path):
    path = tmp_path / "written"
    source = f"def _cached_compile_jinja_template(_):\n    open({str(path)!r}, 'w').write('x')"
    part = [marshal.dumps((source, 2.0, 512 * 2**20)), marshal.dumps(("", {}, False))]
    sent = b"".join(struct.pack("<Q", len(each)) + each for each in part)
    subprocess.run([sys.executable, "-I", renderer.__file__], input=sent, capture_output=True, check=False)
    assert not path.exists() or path.read_text() == ""
