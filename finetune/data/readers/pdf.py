"""PDF documents, whose text is read page by page; a scan has none."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from finetune.data.readers.blocks import read_blocks
from finetune.data.readers.damage import damaged
from finetune.data.readers.reader import Reader
from finetune.data.table import Reading, Table
from finetune.errors import DataError

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
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every oddity, which is nothing to act on
    with path.open("rb") as file:
        document = PdfReader(file)
        if document.is_encrypted and not document.decrypt(""):
            raise DataError(f"{path.name} is protected by a password.", "Save it without one.")
        for page in document.pages:
            yield from map(str.strip, BLANK.split(page.extract_text()))
            yield ""
