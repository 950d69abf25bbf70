"""From a file to a table of rows: one reader per kind of file, found by being there.

    reader        what a reader is
    delimited     CSV, TSV: values between delimiters
    lines         JSONL: a JSON object per line
    document      JSON: a list of rows, or one value that holds them
    parquet       Parquet, batch by batch
    arrow         Arrow and Feather, batch by batch
    spreadsheet   Excel (.xlsx)
    old_excel     Excel of before 2007 (.xls)
    opendocument  OpenDocument spreadsheets (.ods)
    yaml_list     YAML: a list of objects
    markdown      a table of Markdown
    word          Word documents (.docx)
    web_page      web pages (HTML)
    pdf           PDF documents
    paragraphs    plain text and Markdown: a row per paragraph

What they share:

    dialect       delimiter and quotation marks of a table, and what stands above it
    header        whether the first record names the columns
    line          one line of JSON lines, read strictly or as it was meant
    window        the part of a long JSON text that is in memory
    loose         Python literals, comments, misplaced commas
    shapes        the rows in a JSON value
    splits        the usual names of splits
    sheets        which sheet of a workbook is read, where its table begins, and its cells as text
    cell_format   a number as a cell shows it
    elements      the elements of a document in XML, one after the other
    pdf_text      the process that reads the text of a PDF document
    blocks        paragraphs and tables of a document as rows
    archive       compressed files and archives, unpacked
    damage        what a library raises over a damaged file, as a sentence
    signature     what a file is according to its bytes: magic numbers, archives, markup
    encoding      the encoding of a text, and its lines
    guess         the encodings that a text may have which is not UTF-8
    encoding_names    the encodings that can be chosen
    decoder       JSON read strictly, one value at a time
    shortcut      many lines of JSON at once, where that provably gives what the decoder gives
    nested        values of Arrow and Parquet as they were before they were stored there
    columns       the same for whole blocks of a large file, as columns

How to add one:

1. Add a file here with one subclass of ``Reader``: its ``titles``, ``suffixes`` and ``order``; ``is_text`` if it reads
   text. Import heavy libraries inside its functions.
2. Write ``read``: add every row to a ``Table``, and reject a bad one with its reason.
3. Write ``claims`` if the content tells the kind. A text may go by its name alone; a binary file may not.
4. Add ``tests/data/readers/test_NAME.py``, and such a file to ``write_all`` in ``tests/data/test_sources.py``.

The file is then read, its suffix is accepted, and it is listed on the page, in errors and in the help.
"""

import sys

from finetune.data.readers.archive import SUFFIXES as PACKED
from finetune.data.readers.reader import Reader
from finetune.registry import discover

READERS: tuple[Reader, ...] = tuple(cls() for cls in discover(sys.modules[__name__], Reader))
SUFFIXES = (*(suffix for reader in READERS for suffix in reader.suffixes), *PACKED)
"""How the names of readable files end."""
HUB_SUFFIXES = tuple(suffix for reader in READERS for suffix in reader.hub_suffixes)
"""How the names of a dataset's data files on the Hub end."""
TITLES = tuple(title for reader in READERS for title in reader.titles)
READABLE = f"{', '.join(TITLES[:-1])} or {TITLES[-1]}"
"""The kinds of file that can be read, as a list in a sentence: ``CSV, TSV, … or plain text``."""

__all__ = ["HUB_SUFFIXES", "READABLE", "READERS", "SUFFIXES", "TITLES", "Reader"]
