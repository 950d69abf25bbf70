"""A table as a CSV file that spreadsheets open: UTF-8 with a byte-order mark, and no cell that is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet would compute."""
BOM = "\ufeff"


def csv_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The table as bytes of a file; a cell like a formula gets an apostrophe in front, and half of a surrogate pair
    becomes a question mark.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    table.writerow(head)
    table.writerows([cell(each) for each in row] for row in rows)
    return (BOM + text.getvalue()).encode("utf-8", "replace")


def cell(text: str) -> str:
    """``text`` as a cell that stays text; spaces in front do not hide a formula."""
    return f"'{text}" if text.lstrip(" \n\u00a0\ufeff").startswith(FORMULA) else text
