"""The process that writes conversations by chat templates of others; ``finetune.machine.rendering`` starts and ends it.

It imports nothing of this program, holds no secret, and limits itself before it reads the first template: the system
ends it when a conversation takes too long, and gives it no more memory than it may use. It answers each request on its
standard input with a line of JSON.
"""

import json
import marshal
import signal
import struct
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from types import SimpleNamespace
from typing import no_type_check

import jinja2
import jinja2.exceptions
import jinja2.ext
import jinja2.nodes
import jinja2.runtime
import jinja2.utils
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

NAMES = {
    "Extension": Extension,
    "ImmutableSandboxedEnvironment": ImmutableSandboxedEnvironment,
    "contextmanager": contextmanager,
    "datetime": datetime,
    "is_jinja_available": lambda: True,
    "jinja2": jinja2,
    "json": json,
    "no_type_check": no_type_check,
    "version": SimpleNamespace(parse=lambda text: tuple(map(int, text.split(".")))),
}
"""What the compiler of Transformers finds in its own module."""


def limit(memory_bytes: int) -> None:
    """Limit the memory of this process, and let it write no file."""
    with suppress(ImportError, ValueError, OSError):  # a system that has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(compiled, values: dict, is_tracked: bool) -> list:
    """The text of a conversation, and where its answers begin and end if that ``is_tracked``."""
    if not is_tracked:
        return ["text", compiled.render(**values), []]
    blocks: list[str] = []
    places: list[tuple[int, int]] = []
    with compiled.environment.activate_tracker(blocks, places):
        for block in compiled.generate(**values):
            blocks.append(block)
    return ["text", "".join(blocks), places]


def main() -> None:
    """Answer requests until there are no more."""
    source, seconds, memory_bytes = _read()
    limit(memory_bytes)
    found = dict(NAMES)
    exec(source, found)  # the compiler of Transformers, as it is installed
    compiler, compiled = found["_cached_compile_jinja_template"], {}
    timer = getattr(signal, "setitimer", lambda *_: None)
    while True:
        template, values, is_tracked = _read()
        timer(getattr(signal, "ITIMER_PROF", 0), seconds)  # of the processor; the signal ends this process
        try:
            if template not in compiled:
                compiled.clear()
                compiled[template] = compiler(template)
            said = json.dumps(answer(compiled[template], values, is_tracked))
        except MemoryError:
            said = json.dumps(["memory"])
        except jinja2.TemplateError as error:
            said = json.dumps(["template", type(error).__name__, str(error)[:2000]])
        except Exception as error:
            said = json.dumps(["other", type(error).__name__, str(error)[:2000]])
        timer(getattr(signal, "ITIMER_PROF", 0), 0)
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


def _read() -> tuple:
    """The next request; this process ends where there is none."""
    head = sys.stdin.buffer.read(8)
    if len(head) < 8:
        sys.exit()
    return marshal.loads(sys.stdin.buffer.read(struct.unpack("<Q", head)[0]))


if __name__ == "__main__":
    main()
