"""Plain text and Markdown: each paragraph is a row, or the whole text is one."""

from pathlib import Path

from finetune.data.readers.encoding import lines_of
from finetune.data.readers.reader import Reader
from finetune.data.table import MAX_ROW_CHARACTERS, WHOLE_TEXT, Reading, Table
from finetune.errors import DataError


class Paragraphs(Reader):
    """Paragraphs, separated by blank lines."""

    titles = ("Markdown", "plain text")
    suffixes = (".txt", ".md", ".markdown", ".text")
    order = 1000  # after all others, because any text suits it
    is_text = True

    def suits(self, head):
        return True

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """Each paragraph as ``{"text": …}``, with its line breaks; or the whole text as one row."""
        note = WHOLE_TEXT if reading.whole_text else "Each paragraph, up to a blank line, is a row."
        table = Table("text", columns=("text",), notes=[note], reading=reading)
        _read(table, path)
        if not reading.whole_text and table.total_rows == 1 and table.rows and "\n" in table.rows[0]["text"]:
            table.notes = ["The text has no blank line, so that the whole of it is one row."]
        return table


def _read(table: Table, path: Path) -> None:
    """Fill ``table`` with the paragraphs of the file, or with the whole of it."""
    lines, start, size = [], 1, 0
    for number, line, length in lines_of(path, table):
        if "\0" in line:
            raise DataError(f"Line {number:,} contains a NUL character, which is not text.", "Remove it and try again.")
        if line.strip() or table.reading.whole_text:
            start = start if lines else number
            size += length
            # Of a paragraph longer than any row may be, only its size is still needed.
            if size <= MAX_ROW_CHARACTERS or not lines:
                lines.append(line.rstrip("\r\n") + "\n")
        elif lines:
            _take(table, lines, start, size)
            lines, size = [], 0
    if any(line.strip() for line in lines):
        _take(table, lines, start, size)


def _take(table: Table, lines: list[str], start: int, size: int) -> None:
    text = "".join(lines).rstrip("\n")
    table.add({"text": text}, start, size if size > MAX_ROW_CHARACTERS else len(text))
