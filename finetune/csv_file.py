"""A table as a CSV file that spreadsheets open: UTF-8 with a byte-order mark, and no cell that is a formula."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

FORMULA = frozenset("=+-@\t\r\0")
"""What a cell begins with that a spreadsheet would compute; some take the wide forms of these for the same."""
QUOTES = frozenset("\"'`“”„‘’«»")
BOM = "\ufeff"


def csv_of(head: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> bytes:
    """The table as bytes of a file; a text like a formula gets an apostrophe in front, in ``head`` as well.

    Half of a surrogate pair becomes a question mark.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    table.writerows([each if isinstance(each, int | float) else cell(each) for each in row] for row in (head, *rows))
    return (BOM + text.getvalue()).encode("utf-8", "replace")


def cell(text: str) -> str:
    """``text`` as a cell that stays text; neither blanks nor quotation marks in front hide a formula."""
    first = next((each for each in text if not _is_skipped(each)), "")
    return f"'{text}" if first and unicodedata.normalize("NFKC", first) in FORMULA else text


def _is_skipped(sign: str) -> bool:
    """True for what a spreadsheet may drop before it looks for a formula: blanks, marks nobody sees, quotes."""
    is_blank = sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf")
    return sign in QUOTES or (is_blank and sign not in FORMULA)
