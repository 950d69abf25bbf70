"""Plain text and Markdown: what stands between blank lines is a row."""

from pathlib import Path

from finetune.data.signature import encoding_of
from finetune.data.table import Table
from finetune.errors import DataError


def read_paragraphs(path: Path) -> Table:
    """Each paragraph as ``{"text": …}``, its line breaks kept."""
    table = Table("text", columns=("text",), notes=["Each paragraph, up to a blank line, is a row."])
    with path.open(encoding=encoding_of(path)) as file:
        lines, start = [], 0
        for number, line in enumerate(file, 1):
            if "\0" in line:
                raise DataError(
                    f"Line {number:,} holds a NUL character, which is not text.", "Remove it and try again."
                )
            if line.strip():
                start = start if lines else number
                lines.append(line)
            elif lines:
                table.add({"text": "".join(lines).rstrip("\n")}, start)
                lines = []
        if lines:
            table.add({"text": "".join(lines).rstrip("\n")}, start)
    return table
