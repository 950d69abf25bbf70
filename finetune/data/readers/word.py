"""Word documents (.docx): their paragraphs as text, and their tables."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from finetune.data.readers.blocks import Block, Grid, read_blocks
from finetune.data.readers.damage import damaged
from finetune.data.readers.elements import elements
from finetune.data.readers.reader import Reader
from finetune.data.readers.signature import ZIP, members, refuse_bomb
from finetune.data.table import Reading, Table

DOCUMENT = "word/document.xml"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""A second copy of a text box, for old programs."""
BREAKS = {f"{WORD}tab": "\t", f"{WORD}br": "\n", f"{WORD}cr": "\n", f"{WORD}noBreakHyphen": "-"}


class Word(Reader):
    """Paragraphs and tables of a document."""

    titles = ("Word (.docx)",)
    suffixes = (".docx",)
    order = 70

    def claims(self, head):
        return head.bytes.startswith(ZIP) and DOCUMENT in members(head.path)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """Each paragraph as ``{"text": …}``; or the rows of a table that holds most of the text."""
        refuse_bomb(path, "a Word document")
        with damaged(path, "Word document", "Open it in Word and save it again."):
            return read_blocks(_blocks(path), "Word", reading)


def _blocks(path: Path) -> Iterator[Block]:
    """The paragraphs and tables of the body, in order; each is dropped from memory once it is read."""
    with zipfile.ZipFile(path) as archive, archive.open(DOCUMENT) as content:
        for _, node in elements(content, (f"{WORD}p", f"{WORD}tbl")):
            yield _text(node) if node.tag == f"{WORD}p" else _grid(node)


def _grid(table: Element) -> Grid:
    return [
        ["\n".join(_text(paragraph) for paragraph in cell.iter(f"{WORD}p")) for cell in row.findall(f".//{WORD}tc")]
        for row in table.findall(f"{WORD}tr")
    ]


def _text(node: Element) -> str:
    """The text within ``node``; without what a tracked change has deleted."""
    parts, waiting = [], [node]
    while waiting:
        part = waiting.pop()
        if part.tag == f"{WORD}t":
            parts.append(part.text or "")
        elif part.tag in BREAKS:
            parts.append(BREAKS[part.tag])
        elif part.tag != FALLBACK:
            waiting.extend(reversed(part))
    return "".join(parts)
