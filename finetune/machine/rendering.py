"""Chat templates of others, rendered in a process of their own: within limits of time and memory.

A chat template is a program. Transformers' sandbox keeps it from files, but not from looping for ever or doubling a
string until the memory is full; and a thread that does so can't be stopped. So a template that is not known is
never compiled or rendered in this process, whatever conversation it is given: every conversation is written by a child
(``finetune.machine.renderer``), which the system ends after ``SECONDS`` of the processor or beyond ``MEMORY_BYTES``. It
takes 0.1 s to start and 0.1 ms more for each conversation. A template that broke a limit is refused for some minutes
without another try, so that a file of 100,000 rows does not wait for each.

Known are the templates that ship with this program and with TRL, among them those of Qwen, Llama, Gemma and Phi.
"""

import functools
import hashlib
import importlib.util
import json
import marshal
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finetune.errors import ModelError
from finetune.paths import ASSETS

LONGEST = 100_000
"""Characters of a template; the longest of published models have 30,000."""
SECONDS = 2.0
"""Of the processor, for one conversation; published templates take some milliseconds."""
PATIENCE_S = 30.0
"""By the clock, should the machine be busy."""
MEMORY_BYTES = 512 * 2**20
REFUSED_S = 300.0
"""How long a template that broke a limit is refused without another try."""
KEPT = 2
"""Children that are kept for the next conversation."""
LARGEST_REPLY = 64 * 2**20
"""Bytes of what a child answers; a row has at most a million characters."""
TOO_SLOW = "This model's chat template takes more than 2 seconds for one conversation."
TOO_LARGE = f"This model's chat template needs more than {MEMORY_BYTES // 2**20} MB for one conversation."
HINT = "Choose another model, or give it ChatML as its template (model.chat_template: chatml)."

_familiar: set[str] = set()
_refused: dict[str, tuple[float, str]] = {}
_idle: list["_Child"] = []


def know(*templates: str) -> None:
    """Render these ``templates``, which ship with this program, in this process."""
    _familiar.update(templates)


def is_known(template: str) -> bool:
    """True if ``template`` was made by this program or ships with it or with TRL, character by character."""
    return template in _familiar or template in _shipped()


@functools.cache
def _shipped() -> frozenset[str]:
    files = [ASSETS / "starter" / "chat_template.jinja"]
    if trl := importlib.util.find_spec("trl"):
        files += (Path(trl.submodule_search_locations[0]) / "chat_templates").glob("*.jinja")
    return frozenset(file.read_text(encoding="utf-8") for file in files)


def apart(template: str, compiler: str) -> "Rendered | None":
    """The ``template`` as it is rendered in a child; None for a known one."""
    return None if is_known(template) else Rendered(template, compiler)


class Rendered:
    """A template that is rendered in a child; Transformers uses it like a compiled template of Jinja."""

    def __init__(self, template: str, compiler: str):
        """``compiler``: the source of the function of Transformers that compiles a template."""
        if len(template) > LONGEST:
            raise ModelError(f"This model's chat template is longer than {LONGEST:,} characters.", HINT)
        self._template, self._compiler, self._places = template, compiler, None
        self.environment = self

    def render(self, **values) -> str:
        """The text of a conversation; ``ModelError`` if the template breaks a limit."""
        text, _ = _rendered(self._template, self._compiler, values, is_tracked=False)
        return text

    def generate(self, **values) -> Iterator[str]:
        """The same in one piece, which also notes where the answers are."""
        text, places = _rendered(self._template, self._compiler, values, is_tracked=True)
        self._places += [tuple(each) for each in places]
        yield text

    @contextmanager
    def activate_tracker(self, blocks: list[str], places: list[tuple[int, int]]) -> Iterator[None]:
        """Note where the answers are in ``places``; ``blocks`` is what Transformers collects itself."""
        self._places = places
        yield


def _rendered(template: str, compiler: str, values: dict, is_tracked: bool) -> tuple[str, list]:
    key = hashlib.sha256(template.encode(errors="surrogatepass")).hexdigest()
    since, why = _refused.get(key, (0.0, ""))
    if why and time.monotonic() - since < REFUSED_S:
        raise ModelError(why, HINT)
    said, why = _asked(marshal.dumps((template, values, is_tracked)), compiler)
    if why:
        _refused[key] = time.monotonic(), why
        raise ModelError(why, HINT)
    if said[0] == "text":
        return said[1], said[2]
    raise _raised(*said)


def _asked(request: bytes, compiler: str) -> tuple[list, str]:
    """A child's reply to ``request``; or no reply, and which limit the template has broken."""
    with suppress(IndexError):
        child = _idle.pop()
        if child.is_alive:
            return _take(child, request)
        child.end()
    return _take(_Child(compiler), request)


def _take(child: "_Child", request: bytes) -> tuple[list, str]:
    try:
        said, why = child.ask(request)
    except BaseException:
        child.end()
        raise
    if why or len(_idle) >= KEPT:
        child.end()
    else:
        _idle.append(child)
    return said, why


def _raised(kind: str, name: str, message: str) -> Exception:
    """What the template raised, as Jinja would have raised it here."""
    from jinja2 import TemplateError
    from jinja2.exceptions import SecurityError

    known = (
        {"SecurityError": SecurityError} if kind == "template" else {"TypeError": TypeError, "ValueError": ValueError}
    )
    return known.get(name, TemplateError)(message or name)


class _Child:
    """A process that renders one conversation after the other."""

    def __init__(self, compiler: str):
        file = Path(__file__).with_name("renderer.py")
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT", "TZ") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=kept,
            bufsize=0,
        )
        self._is_late = False
        self._send(marshal.dumps((compiler, SECONDS, MEMORY_BYTES)))

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: bytes) -> tuple[list, str]:
        """The reply to a request; or no reply, and which limit was broken."""
        parts, size = [], 0
        patience = threading.Timer(PATIENCE_S, self._lose_patience)
        patience.daemon = True
        patience.start()
        try:
            self._send(request)
            while not (parts and parts[-1].endswith(b"\n")):
                part = os.read(self._process.stdout.fileno(), 2**20)
                size += len(part)
                if size > LARGEST_REPLY:
                    return [], TOO_LARGE
                if not part:
                    return [], self._broken()
                parts.append(part)
        except OSError:
            return [], self._broken()
        finally:
            patience.cancel()
        said = json.loads(b"".join(parts))
        return ([], TOO_LARGE) if said[0] == "memory" else (said, "")

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _send(self, content: bytes) -> None:
        waiting = memoryview(struct.pack("<Q", len(content)) + content)
        while waiting:
            waiting = waiting[self._process.stdin.write(waiting) :]

    def _lose_patience(self) -> None:
        self._is_late = True
        self._process.kill()

    def _broken(self) -> str:
        """Which limit ended the process."""
        code = self._process.wait()
        return TOO_SLOW if self._is_late or code == -getattr(signal, "SIGPROF", 0) else TOO_LARGE


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_idle.clear)
