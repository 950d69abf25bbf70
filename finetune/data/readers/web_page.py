"""Web pages (HTML): their paragraphs as text, and their tables; scripts and styles are left out."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from finetune.data.readers.blocks import Block, Grid, read_blocks
from finetune.data.readers.encoding import encoding_of
from finetune.data.readers.reader import Reader
from finetune.data.readers.signature import HTML, markup_kind
from finetune.data.table import Reading, Table
from finetune.errors import DataError

CHUNK_CHARACTERS, MAX_TAG_CHARACTERS = 2**17, 2**21
"""A tag may hold a picture; one that is incomplete is scanned again with each chunk."""
MAX_REST_CHARACTERS = 2**14
"""What is still incomplete at the end; the parser takes quadratic time over it."""
SKIPPED = {"script", "style", "template", "noscript", "svg", "title", "nav"}
BLOCKS = {"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "blockquote", "pre"}
BLOCKS |= {
    "header",
    "footer",
    "main",
    "figure",
    "figcaption",
    "dl",
    "dt",
    "dd",
    "hr",
    "body",
    "form",
    "address",
    "head",
}
SPACE = re.compile(r"[ \t\r\n\f]+")
ROWS = re.compile(r"<t[dh][\s>]", re.IGNORECASE)


class WebPage(Reader):
    """Paragraphs and tables of a page."""

    titles = ("HTML",)
    suffixes = (".html", ".htm", ".xhtml")
    order = 75
    is_text = reads_markup = True

    def claims(self, head):
        # A page under another name is mostly an error of a server; one with a table is what programs save as .xls.
        return markup_kind(head) == HTML and (head.suffix in self.suffixes or ROWS.search(head.text) is not None)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """Each paragraph as ``{"text": …}``; or the rows of a table that holds most of the text."""
        with path.open(encoding=encoding_of(path, reading.encoding)) as file:
            return read_blocks(_blocks(path.name, file), "HTML", reading)


def _blocks(name: str, file) -> Iterator[Block]:
    parser = _Parser()
    while chunk := file.read(CHUNK_CHARACTERS):
        parser.feed(chunk)
        if len(parser.rawdata) > MAX_TAG_CHARACTERS:
            raise _endless(name)
        yield from parser.take()
    if len(parser.rawdata) > MAX_REST_CHARACTERS:
        raise _endless(name)
    parser.close()
    parser.end_all()
    yield from parser.take()


def _endless(name: str) -> DataError:
    return DataError(f"{name} has a tag or a comment that never ends.", "Save the page again, or as text.")


class _Parser(HTMLParser):
    """Collects the blocks of a page; a table within a cell is part of its text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self._found: list[Block] = []
        self._text: list[str] = []
        self._grid: Grid = []
        self._tables = self._skipped = self._kept = 0

    def take(self) -> list[Block]:
        """The blocks that are complete."""
        found, self._found = self._found, []
        return found

    def handle_starttag(self, tag: str, attributes) -> None:
        if tag in SKIPPED:
            self._skipped += 1
        elif tag == "br":
            self._text.append("\n")
        elif tag == "table":
            if not self._tables:
                self.end_block()
            self._tables += 1
        elif tag == "tr" and self._tables == 1:
            self._end_cell()
            self._grid.append([])
        elif tag in ("td", "th") and self._tables == 1:
            self._end_cell()
            self._open_cell()
        elif tag in BLOCKS:
            self.end_block()
        self._kept += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._skipped = max(0, self._skipped - 1)
        elif tag == "table" and self._tables:
            self._tables -= 1
            if not self._tables:
                self._end_cell()
                self._found.append([row for row in self._grid if row])
                self._grid = []
        elif tag in ("td", "th", "tr") and self._tables == 1:
            self._end_cell()
        elif tag in BLOCKS:
            self.end_block()
        self._kept = max(0, self._kept - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._text.append(data if self._kept else SPACE.sub(" ", data))

    def end_block(self) -> None:
        """What follows is another paragraph; within a cell, another line."""
        if self._tables:
            self._text.append("\n" if self._text and not self._text[-1].endswith("\n") else "")
            return
        if text := self._cleaned():
            self._found.append(text)

    def end_all(self) -> None:
        """The page is over, whether its last table is closed or not."""
        while self._tables:
            self.handle_endtag("table")
        self.end_block()

    def _open_cell(self) -> None:
        if not self._grid:
            self._grid.append([])
        self._grid[-1].append("")

    def _end_cell(self) -> None:
        text = self._cleaned()
        if self._grid and self._grid[-1] and not self._grid[-1][-1]:
            self._grid[-1][-1] = text

    def _cleaned(self) -> str:
        text, self._text = "".join(self._text), []
        return "\n".join(line.strip(" ") for line in text.split("\n")).strip()
