"""Text for a terminal: what names, files and answers hold is shown, and never obeyed.

A control character in a name could move the cursor, change a title or type a command; a mark of direction shows a name
in another order than it has.
"""

import re
import sys
import traceback
from contextlib import contextmanager

from finetune.redaction import redacted

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""All but a tab and the end of a line: control characters, marks of direction, invisible ones, half a surrogate."""


def plain(text: str) -> str:
    """``text`` with each character that a terminal obeys as an escape: ``\\x1b``. Ends of lines and tabs stay."""
    return OBEYED.sub(_escape, text)


def plain_line(text: str) -> str:
    """``text`` as one line, so that nothing in it can pass for a line of its own."""
    return plain(text).replace("\n", "\\n").replace("\t", " ")


def plain_json(text: str) -> str:
    """JSON that says the same, with each such character as JSON escapes it: ``\\u001b``."""
    return OBEYED.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


@contextmanager
def guarded():
    """Meanwhile what this process prints, also libraries and tracebacks, is plain and holds no secrets."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Guarded(stream) if stream else stream for stream in before)
    sys.excepthook = _print  # Python prints an error that ends the process once this is left
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class Guarded:
    """A stream that writes plain text without secrets; a carriage return stays, for bars that are drawn again."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text``; returns its length, as every stream does."""
        shown = "\r".join(plain(part) for part in redacted(text).split("\r"))
        self._stream.write(shown)
        return len(text)

    def writelines(self, lines) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


def _print(kind, error, trace) -> None:
    Guarded(sys.stderr).write("".join(traceback.format_exception(kind, error, trace)))


def _escape(found: re.Match) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _units(sign: str) -> list[int]:
    """The UTF-16 code units of ``sign``."""
    units = sign.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(units[n : n + 2]) for n in range(0, len(units), 2)]
