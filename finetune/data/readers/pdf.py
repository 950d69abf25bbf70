"""PDF documents, whose text is read page by page; a scan has none."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from finetune.data.readers.blocks import read_blocks
from finetune.data.readers.damage import damaged
from finetune.data.readers.reader import Reader
from finetune.data.table import Reading, Table
from finetune.errors import DataError

SECONDS = 60
"""Of the processor; a book of 500 pages takes some 20."""
MEMORY_BYTES = 2 * 2**30
MAX_CHARACTERS = 50_000_000
LONGEST_PAGE = 20_000_000
"""Bytes of a page as JSON."""
BLANK = re.compile(r"\n[ \t]*\n")


class Pdf(Reader):
    """The text of the pages."""

    titles = ("PDF",)
    suffixes = (".pdf",)
    order = 80

    def claims(self, head):
        return head.bytes.startswith(b"%PDF-")

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """Each paragraph as ``{"text": …}``; where a page has no blank line, the whole page."""
        with damaged(path, "PDF document", "Save it again, or as text."):
            table = read_blocks(_paragraphs(path), "PDF", reading)
        if not len(table.rows):
            raise DataError(f"There is no text in {path.name}: its pages are pictures.", "Run OCR on it first.")
        return table


def _paragraphs(path: Path) -> Iterator[str]:
    script = Path(__file__).with_name("pdf_text.py")
    command = [sys.executable, "-I", "-B", str(script), str(path.resolve()), str(SECONDS), str(MEMORY_BYTES)]
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=kept
    )
    try:
        kind, size = "", 0
        while line := process.stdout.readline(LONGEST_PAGE):
            kind, text = json.loads(line) if line.endswith(b"\n") else ("memory", "")
            if kind != "page":
                break
            size += len(text)
            if size > MAX_CHARACTERS:
                kind = "memory"
                break
            yield from map(str.strip, BLANK.split(text))
            yield ""
        _require_end(path, kind, text if kind else "")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _require_end(path: Path, kind: str, text: str) -> None:
    """``DataError`` unless the process has read the document to its end."""
    if kind == "locked":
        raise DataError(f"{path.name} is protected by a password.", "Save it without one.")
    if kind == "damaged":
        raise ValueError(text)
    if kind == "memory":
        raise DataError(f"{path.name} needs too much memory to be read.", "Save it again, or as text.")
    if kind != "end":
        raise DataError(f"{path.name} takes more than {SECONDS} seconds to be read.", "Save it again, or as text.")
