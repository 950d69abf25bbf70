"""Bad and odd files, each with its verdict: its rows exactly as written, or a sentence on what is wrong where."""

import gzip
import io
import json
import os
import random
import threading
import time
import zipfile
from dataclasses import dataclass

import psutil
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from pyarrow import feather

from finetune.data.faulty import Faulty
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.errors import DataError

MAX_GROWTH_BYTES = 150 * 2**20
"""Resident memory beyond the size of the file."""


@dataclass
class Case:
    """A file and its verdict."""

    title: str
    name: str
    content: bytes
    rows: list[dict] | None = None
    """What is read, if anything is."""
    error: str = ""
    """What the error says, if nothing is read."""
    rejected: dict[int, str] | None = None
    """Row number -> what the reason says."""
    note: str = ""
    """What the notes say."""
    options: dict | None = None
    """How the file is to be read."""


def refused(title: str, name: str, content: bytes | str, error: str) -> Case:
    return Case(title, name, content.encode() if isinstance(content, str) else content, error=error)


def accepted(title: str, name: str, content: bytes | str, rows: list[dict], **more) -> Case:
    return Case(title, name, content.encode() if isinstance(content, str) else content, rows=rows, **more)


def packed(table, name="zstd", **options) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, compression=name, **options)
    return sink.getvalue()


def arrow(table, compression="uncompressed") -> bytes:
    sink = io.BytesIO()
    feather.write_feather(table, sink, compression=compression)
    return sink.getvalue()


def stream(table) -> bytes:
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def workbook(*rows) -> bytes:
    book, sink = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(list(row))
    book.save(sink)
    return sink.getvalue()


def zipped(**files) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return sink.getvalue()


def repeated(value: str, count: int) -> pyarrow.Table:
    """One value for all rows, written once."""
    return pyarrow.table({"a": pyarrow.DictionaryArray.from_arrays([0] * count, [value])})


def rows_of(*values, column="a") -> list[dict]:
    return [{column: value} for value in values]


PLAIN = {"q": "Sea?", "a": "Blue."}
PLAIN_TABLE = pyarrow.Table.from_pylist([PLAIN] * 300)
PARQUET = packed(PLAIN_TABLE)
FLIPPED = PARQUET[:40] + bytes([PARQUET[40] ^ 16]) + PARQUET[41:]
ENDLESS = pyarrow.ListArray.from_arrays([0, 9_000_000], pyarrow.nulls(9_000_000, pyarrow.int8()))
TWICE = pyarrow.Table.from_arrays([pyarrow.array(["1"])] * 2, names=["a", "a"])
LONG = "x" * 5_000_000
ODD_VALUES = (
    "NA",
    "null",
    "None",
    "nan",
    "NaN",
    "True",
    "false",
    "007",
    "1e5",
    "1.50",
    "-0",
    "+1",
    "1,5",
    "0x1f",
    "1_000",
)
MARKED = "q,a\nnaïve,日本\n"
MARKED_ROWS = [{"q": "naïve", "a": "日本"}]

EMPTY = [
    refused("no byte", "a.csv", b"", "There are no rows in a.csv"),
    refused("spaces only", "a.csv", "\n\n  \n", "There are no rows"),
    refused("a header only", "a.csv", "q,a\n", "There are no rows"),
    refused("a byte-order mark only", "a.csv", "\ufeff", "There are no rows"),
    refused("no line of JSON", "a.jsonl", "\n\n", "There are no rows"),
    refused("an empty list", "a.json", "[]", "There are no rows"),
    refused("an empty object", "a.json", "{}", "There are no rows"),
    refused("blank text", "a.txt", "\n \n", "There are no rows"),
    refused("an empty workbook", "a.xlsx", workbook(), "There are no rows"),
    refused("a Parquet file without rows", "a.parquet", packed(PLAIN_TABLE.slice(0, 0)), "There are no rows"),
    refused("an Arrow file without rows", "a.arrow", arrow(PLAIN_TABLE.slice(0, 0)), "There are no rows"),
]
NO_TABLES = [
    refused("random bytes", "a.csv", random.Random(1).randbytes(5000), "This is a binary file"),
    refused("a picture", "a.jsonl", b"\x89PNG\r\n\x1a\n" + bytes(100), "This is a PNG image"),
    refused("a web page", "a.csv", "<!DOCTYPE html><html><body>404</body></html>", "This is a web page"),
    refused("an XML file", "a.txt", '<?xml version="1.0"?><rows/>', "This is an XML file"),
    refused("a gzip bomb", "a.jsonl", gzip.compress(bytes(200_000_000), 1), "unpacks to more than 83 MB"),
    refused("half of a gzip archive", "a.csv", gzip.compress(b"q,a\n1,2\n" * 99)[:-12], "damaged archive"),
    refused("a zip bomb", "a.csv", zipped(data_csv=b"0" * 200_000_000), "unpacks to more than 32 MB"),
    refused("a zip archive of two files", "a.zip", zipped(a_csv="q,a\n1,2\n", b_csv="q,a\n1,2\n"), "a.csv, b.csv"),
    refused(
        "a zip archive of a picture", "a.zip", zipped(a_png=b"\x89PNG\r\n\x1a\n" + bytes(9)), "This is a PNG image"
    ),
    refused("a damaged Word document", "a.xlsx", zipped(word__document_xml="x"), "damaged Word document"),
    refused("a damaged PDF", "a.txt", "%PDF-1.7\n1 0 obj\n", "damaged PDF document"),
    refused("a binary .xls", "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Office file without"),
    refused("a database", "a.csv", b"SQLite format 3\0" + bytes(100), "This is an SQLite database"),
    refused("a pickle", "a.jsonl", b"\x80\x04\x95\x10\x00" + bytes(20), "This is a Python pickle"),
]
ENCODINGS = [
    accepted("a byte-order mark", "a.csv", MARKED.encode("utf-8-sig"), MARKED_ROWS),
    accepted("a mark before JSON", "a.jsonl", b'\xef\xbb\xbf{"a": "x"}\n{"a": "y"}', rows_of("x", "y")),
    accepted("UTF-16", "a.csv", MARKED.encode("utf-16"), MARKED_ROWS),
    accepted("big-endian UTF-16", "a.csv", b"\xfe\xff" + MARKED.encode("utf-16-be"), MARKED_ROWS),
    accepted("UTF-32", "a.csv", MARKED.encode("utf-32"), MARKED_ROWS),
    accepted(
        "Latin-1, as chosen", "a.csv", "a\ncafé\n".encode("latin-1"), rows_of("café"), options={"encoding": "latin-1"}
    ),
    accepted("cp1252, as chosen", "a.csv", "a\n“é”\n".encode("cp1252"), rows_of("“é”"), options={"encoding": "cp1252"}),
    refused("Latin-1", "a.csv", "q,a\ncafé,1\n".encode("latin-1"), "Byte 7 of a.csv, in line 2, is not UTF-8"),
    refused("Latin-1 in JSON", "a.jsonl", b'{"a": "x"}\n{"a": "caf\xe9"}', "Byte 21 of a.jsonl, in line 2"),
    refused("bytes that no text has", "a.txt", b"one\n\ntwo \xff\xfe", "Byte 9 of a.txt, in line 3"),
    refused("a surrogate as UTF-8", "a.jsonl", b'{"a": "\xed\xa0\xbd"}', "Byte 7 of a.jsonl, in line 1"),
    refused("UTF-16 without its mark", "a.csv", "q,a\n1,2\n".encode("utf-16-le"), "UTF-16 text without its byte-order"),
    refused("half a character at the end", "a.csv", "q,a\n1,é".encode()[:-1], "Byte 6 of a.csv, in line 2"),
]
ENDINGS = [
    accepted("CRLF", "a.csv", "a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
    accepted("mixed ends of lines", "a.csv", "a,b\r\n1,2\n3,4\r5,6", [{"a": x, "b": y} for x, y in ("12", "34", "56")]),
    accepted("blank lines", "a.csv", "\na,b\n\n1,2\n\n\n3,4\n\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    accepted("CR alone", "a.jsonl", '{"a": "x"}\r{"a": "y"}\r', rows_of("x", "y")),
    accepted("blank lines in JSON lines", "a.jsonl", '\n{"a": "x"}\r\n\r\n \n{"a": "y"}', rows_of("x", "y")),
    accepted("a line break in a value", "a.csv", 'a,b\n"1\r\n2",3\n', [{"a": "1\r\n2", "b": "3"}]),
]
DELIMITERS = [
    accepted("semicolons", "a.csv", "a;b\n1,5;2\n", [{"a": "1,5", "b": "2"}], note="separated by semicolons"),
    accepted("tabs", "a.csv", "a\tb\n1\t2\n", [{"a": "1", "b": "2"}], note="separated by tabs"),
    accepted("bars", "a.psv", "a|b\n1|2\n", [{"a": "1", "b": "2"}], note="separated by bars"),
    accepted("an announced delimiter", "a.csv", "sep=;\na;b\n1;2\n", [{"a": "1", "b": "2"}]),
    accepted("a column without a name", "a.csv", "a,\n1,2\n", [{"a": "1", "column 2": "2"}], note="called column 2"),
    refused("columns of one name", "a.csv", "a,b,a\n1,2,3\n", 'More than one column is named "a"'),
    refused("a row too short", "a.csv", "a,b\n1,2\n3\n", "Row 2 (line 3) has 1 values"),
    refused("a row too long", "a.csv", "a,b\n1,2,3\n", "Row 1 (line 2) has 3 values"),
    refused("an open quote", "a.csv", 'a,b\n1,2\n"3,4\n5,6\n', "Row 2 (line 3) opens a quote that is never closed"),
    refused(
        "a quote left open in a large file", "a.csv", 'a,b\n"1,2\n' + "3,4\n" * 600_000, "Row 1 (line 2) has a value"
    ),
    refused("a quote closed early", "a.csv", 'a,b\n"1"x,2\n', "Row 1 (line 2) has a quote that is not closed where"),
    refused("a NUL in CSV", "a.csv", "a,b\n1,2\n3,\0\n", "Line 3 contains a NUL"),
    refused("a NUL in text", "a.txt", "one\n\ntwo\0\n", "Line 3 contains a NUL"),
    refused("ten thousand columns", "a.csv", ",".join(map(str, range(10_000))) + "\n", "more than 1,000 columns"),
    refused("a value of 20 MB", "a.csv", "a,b\n1," + "x" * 20_000_000, "Line 2 is longer than 8,000,000 characters"),
    accepted(
        "a value too long",
        "a.csv",
        "a,b\n1,2\n" + ",".join(["y" * 600_000] * 2) + "\n3,4",
        [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}],
        rejected={2: "longer than 1,000,000"},
    ),
    refused("a million rows and one", "a.csv", "a\n" + "1\n" * 1_000_001, "There are more than 1,000,000 rows"),
]
AS_WRITTEN = [
    *(accepted(f"{value} as text", "a.csv", f'a,b\n"{value}",x\n', [{"a": value, "b": "x"}]) for value in ODD_VALUES),
    accepted(
        "odd values in JSON",
        "a.jsonl",
        "\n".join(json.dumps({"a": value}) for value in ODD_VALUES),
        rows_of(*ODD_VALUES),
    ),
    accepted("odd values in Excel", "a.xlsx", workbook("a", *([value] for value in ODD_VALUES)), rows_of(*ODD_VALUES)),
    accepted("odd values in Parquet", "a.parquet", packed(pyarrow.table({"a": ODD_VALUES})), rows_of(*ODD_VALUES)),
    accepted("odd values in Arrow", "a.arrow", arrow(pyarrow.table({"a": ODD_VALUES})), rows_of(*ODD_VALUES)),
    accepted("numbers spelled oddly", "a.json", '[{"a": 1e5}, {"a": 1.50}, {"a": 7}]', rows_of("1e5", "1.50", 7)),
    accepted("space around values", "a.csv", "a,b\n 1 ,2\t\n", [{"a": " 1 ", "b": "2\t"}]),
    accepted(
        "emoji and right-to-left", "a.csv", "a\n👩‍👩‍👧\n\u202eabc\nשלום\n", rows_of("👩‍👩‍👧", "\u202eabc", "שלום")
    ),
    accepted("formulas", "a.csv", "a,b\n=1+1,@x\n", [{"a": "=1+1", "b": "@x"}]),
    accepted("names like pictures", "a.csv", "GIF,BM\n1,2\n", [{"GIF": "1", "BM": "2"}]),
]
GOOD_LINE, GOOD = '{"a": "1"}\n', {"a": "1"}
BAD_LINES = {
    "not JSON": ("oops", "not valid JSON"),
    "truncated": ('{"a": "x', "unterminated string"),
    "two values": ('{"a": 1} {"a": 2}', "something follows"),
    "a list": ("[1, 2]", "It is a list"),
    "a text": ('"x"', "It is a text"),
    "null": ("null", "It is empty (null)"),
    "a NUL": ('{"a": "\0"}', "invalid control character"),
    "depth 5,000": ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
    "depth 200,000": ("[" * 200_000, "nested too deeply"),
    "20 MB": ('{"a": "' + "x" * 20_000_000 + '"}', "longer than 1,000,000"),
}
FAULTY_VALUES = {
    "a key twice": ('{"a": 1, "a": 2}', 'It has the key "a" more than once.'),
    "a key twice inside": ('{"a": [{"b": "x", "b": "x"}]}', 'It has the key "b" more than once.'),
    "a key twice, escaped": ('{"a": "x", "\\u0061": "y"}', 'It has the key "a" more than once.'),
    "infinity": ('{"a": -Infinity}', "It contains -Infinity, which is not a JSON value."),
    "a number too large": ('{"a": 1e999}', "It contains the number 1e999, which is too large."),
    "5,000 digits": ('{"a": ' + "9" * 5000 + "}", "It contains a number of 5,000 digits."),
    "half a character": (r'{"a": "\ud83d"}', "It contains half of a character (a lone surrogate), which is not text."),
    "a NUL written out": (r'{"a": "\u0000"}', r'It contains a NUL character in "\u0000".'),
    "depth 40": ('{"a": ' + "[" * 40 + "]" * 40 + "}", "It is nested too deeply."),
}
READ_AS_MEANT = {
    "NaN": ('{"a": NaN}', None, "NaN"),
    "a tab in a string": ('{"a": "\t"}', "\t", "tabs within quotation marks"),
    "single quotes": ("{'a': 1}", 1, "Python literals"),
    "a comma too many": ('{"a": 1,}', 1, "misplaced commas"),
    "a comment": ('{"a": 1} // one', 1, "comments"),
}
LINES = [
    *(
        accepted(f"a line: {name}", "a.jsonl", f"{GOOD_LINE}{line}\n{GOOD_LINE}", [GOOD, {"a": Faulty(reason)}, GOOD])
        for name, (line, reason) in FAULTY_VALUES.items()
    ),
    *(
        accepted(f"a line: {name}", "a.jsonl", f"{GOOD_LINE}{line}\n{GOOD_LINE}", [GOOD, {"a": value}, GOOD], note=note)
        for name, (line, value, note) in READ_AS_MEANT.items()
    ),
    *(
        accepted(f"a line: {name}", "a.jsonl", f"{GOOD_LINE}{line}\n{GOOD_LINE}", [GOOD, GOOD], rejected={2: reason})
        for name, (line, reason) in BAD_LINES.items()
    ),
]
DOCUMENTS = [
    accepted(
        "a truncated document",
        "a.json",
        '[{"a": "1"},\n{"a": "x',
        [GOOD],
        rejected={2: "The file is truncated in it."},
        note="truncated",
    ),
    refused("a document truncated in its first row", "a.json", '[{"a": "x', "Row 1 in line 1, character 8"),
    accepted("a list that is never closed", "a.json", '[{"a": "1"}', [GOOD], note="truncated"),
    accepted("a list with a comma too many", "a.json", '[{"a": "1"},]', [GOOD], note="misplaced commas"),
    accepted("two lists", "a.json", '[{"a": "1"}] [{"a": "1"}]', [GOOD, GOOD]),
    refused("something behind the list", "a.json", '[{"a": 1}] ?', "a.json in line 1, character 12"),
    refused("brackets, 200,000 of them", "a.json", "[" * 200_000, "nested too deeply"),
    accepted(
        "a key twice in a document",
        "a.json",
        '{"a": "x", "a": "y"}',
        [{"a": Faulty('It has the key "a" more than once.')}],
    ),
    refused("columns of unequal length", "a.json", '{"a": [1, 2], "b": [1]}', "differ in length: a 2, b 1"),
    refused("two lists of rows", "a.json", '{"x": [{"a": 1}], "y": [{"a": 2}]}', "more than one list of rows: x, y"),
    refused("a number alone", "a.json", "3", "contains a number or a boolean, not rows"),
    refused("bad rows only", "a.json", "[1, 2]", "None of the 2 rows can be read. Row 1 (line 1): It is a number"),
    accepted(
        "a bad row in a list", "a.json", '[{"a": "1"},\n[],\n{"a": "1"}]', [GOOD, GOOD], rejected={2: "It is a list"}
    ),
    accepted("columns as lists", "a.json", '{"a": ["x", "y"], "b": [1, 2]}', [{"a": "x", "b": 1}, {"a": "y", "b": 2}]),
    accepted("rows inside an object", "a.json", '{"version": 1, "data": [{"a": "1"}]}', [GOOD], note='named "data"'),
    accepted("lines in a .json file", "a.json", GOOD_LINE * 2, [GOOD, GOOD]),
    accepted("a list in a .jsonl file", "a.jsonl", '[\n{"a": "1"},\n{"a": "1"}\n]', [GOOD, GOOD]),
    accepted("JSON lines in a .csv file", "a.csv", GOOD_LINE * 2, [GOOD, GOOD]),
    accepted("rows that lack columns", "a.jsonl", '{"a": "1"}\n{"b": 2}\n{}', [GOOD, {"b": 2}, {}]),
]
TEXTS = [
    accepted("paragraphs", "a.md", "# One\n\ntwo\nthree\n", [{"text": "# One"}, {"text": "two\nthree"}]),
    accepted("the whole text", "a.md", "# One\n\ntwo\n", [{"text": "# One\n\ntwo"}], options={"whole_text": True}),
    refused("a paragraph too long", "a.txt", "word " * 300_000, "Row 1 (line 1): It is longer than 1,000,000"),
]
SHEETS = [
    refused("a truncated workbook", "a.xlsx", workbook("a", "1")[:-100], "damaged Excel file"),
    refused("a workbook without its parts", "a.xlsx", zipped(xl__workbook_xml="<x/>"), "damaged Excel file"),
    refused("a workbook bomb", "a.xlsx", zipped(xl__workbook_xml=b" " * 50_000_000), "unpacks to 47 MB"),
    refused("columns of one name in Excel", "a.xlsx", workbook("aa", "12"), 'More than one column is named "a"'),
    refused("a value without a column", "a.xlsx", workbook("a", "12"), "Row 2 of the sheet has a value in column 2"),
    accepted("numbers in Excel", "a.xlsx", workbook("ab", [7, 2.5]), [{"a": "7", "b": "2.5"}], note="plain text"),
]
PACKED = [
    accepted("a gzip archive", "a.csv", gzip.compress(b"q,a\nSea?,Blue.\n"), [PLAIN]),
    accepted("a zip archive", "a.csv", zipped(data_csv="q,a\nSea?,Blue.\n"), [PLAIN]),
    accepted("Parquet under another name", "a.csv", PARQUET, [PLAIN] * 300),
    accepted("Excel under another name", "a.csv", workbook(list(PLAIN), list(PLAIN.values())), [PLAIN]),
    accepted("Arrow", "a.arrow", arrow(PLAIN_TABLE), [PLAIN] * 300),
    accepted("Arrow, packed", "a.feather", arrow(PLAIN_TABLE, "lz4"), [PLAIN] * 300),
    accepted("an Arrow stream", "a.arrow", stream(PLAIN_TABLE), [PLAIN] * 300),
    refused("truncated Parquet", "a.parquet", PARQUET[:-10], "a.parquet is damaged"),
    refused("half of Parquet", "a.parquet", PARQUET[: len(PARQUET) // 2], "a.parquet is damaged"),
    refused("garbage after PAR1", "a.parquet", b"PAR1" + random.Random(2).randbytes(500), "a.parquet is damaged"),
    refused("a page with a bit flipped", "a.parquet", FLIPPED, "is damaged"),
    refused("truncated Arrow", "a.arrow", arrow(PLAIN_TABLE)[:-10], "a.arrow is damaged"),
    refused("garbage after ARROW1", "a.arrow", b"ARROW1\0\0" + random.Random(3).randbytes(500), "a.arrow is damaged"),
    refused("a Parquet bomb of rows", "a.parquet", packed(repeated("x" * 1000, 1_100_000)), "has 1,100,000 rows"),
    refused(
        "a Parquet bomb of values",
        "a.parquet",
        packed(repeated(LONG, 20_000), dictionary_pagesize_limit=2**30),
        "unpack to more than",
    ),
    refused("a Parquet bomb of a page", "a.parquet", packed(pyarrow.table({"a": [LONG * 10]})), "unpack to more than"),
    refused("a Parquet bomb of a list", "a.parquet", packed(pyarrow.table({"a": ENDLESS})), "too large for training"),
    refused("an Arrow bomb", "a.arrow", arrow(pyarrow.table({"a": [LONG * 20]}), "zstd"), "unpack to more than"),
    accepted(
        "a NUL in Parquet",
        "a.parquet",
        packed(pyarrow.table({"a": ["1", "x\0", "1"]})),
        [GOOD, {"a": Faulty("It contains a NUL character, which is not text.")}, GOOD],
    ),
    refused("columns of one name in Parquet", "a.parquet", packed(TWICE), 'More than one column is named "a"'),
]
CASES = [
    *(*EMPTY, *NO_TABLES, *ENCODINGS, *ENDINGS, *DELIMITERS, *AS_WRITTEN, *LINES, *DOCUMENTS, *TEXTS, *SHEETS, *PACKED),
]


def test_the_corpus_is_large_and_names_each_case_once():
    assert len(CASES) >= 60
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_each_file_gets_its_verdict(tmp_path, case):
    path = tmp_path / case.name
    path.write_bytes(case.content)
    chosen = DataSettings(path=case.name, **(case.options or {}))
    with Watched() as watched:
        try:
            table = read_table(path, chosen)
        except DataError as error:
            assert case.error and case.error in str(error), error
        else:
            assert case.rows is not None, "it should be refused"
            assert table.rows == case.rows and list(map(repr, table.rows)) == list(map(repr, case.rows))
            assert {row.row for row in table.rejected} == set(case.rejected or {})
            assert all((case.rejected or {})[row.row] in row.reason for row in table.rejected)
            assert case.note in " ".join(table.notes)
    assert watched.seconds < 5  # one or two on an idle machine
    assert watched.growth < len(case.content) + MAX_GROWTH_BYTES
    assert path.read_bytes() == case.content


class Watched:
    """How long something takes, and by how much the resident memory grows meanwhile."""

    def __enter__(self):
        self._process, self._over, self.growth = psutil.Process(), threading.Event(), 0
        self._before, self._began = self._process.memory_info().rss, time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._began

    def _watch(self):
        while not self._over.wait(0.005):
            self.growth = max(self.growth, self._process.memory_info().rss - self._before)


letters = st.characters(codec="utf-8", exclude_characters="\0")
cell = st.sampled_from(ODD_VALUES) | st.text(letters, max_size=12)
names = st.lists(st.text("abcdefg", min_size=1, max_size=4), min_size=1, max_size=4, unique=True)
tables = names.flatmap(
    lambda names: st.lists(
        st.tuples(*[cell] * len(names)).map(lambda values: dict(zip(names, values))), min_size=1, max_size=6
    )
)
CONTROLS = "".join(chr(code) for code in (*range(32), 0xFFFE, 0xFFFF))
"""What XML, and so Excel, has no letters for."""


def as_csv(rows: list[dict]) -> bytes:
    quoted = [
        ['"' + text.replace('"', '""') + '"' for text in row]
        for row in (list(rows[0]), *(row.values() for row in rows))
    ]
    return "\n".join(map(",".join, quoted)).encode()


WRITERS = {
    "a.csv": as_csv,
    "a.json": lambda rows: json.dumps(rows).encode(),
    "a.jsonl": lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(),
    "a.parquet": lambda rows: packed(pyarrow.Table.from_pylist(rows)),
    "a.arrow": lambda rows: arrow(pyarrow.Table.from_pylist(rows)),
    "b.arrow": lambda rows: stream(pyarrow.Table.from_pylist(rows)),
    "a.xlsx": lambda rows: workbook(list(rows[0]), *(row.values() for row in rows)),
}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=tables)
def test_random_tables_make_the_round_trip(tmp_path, name, rows):
    if name == "a.xlsx":
        keep = str.maketrans("", "", CONTROLS)
        rows = [{key: value.translate(keep).lstrip("=") for key, value in row.items()} for row in rows]
        rows = [row for row in rows if any(row.values())] or [dict.fromkeys(rows[0], "x")]
    content = WRITERS[name](rows)
    if name == "a.csv":  # a file of little but control characters is refused as binary
        assume(10 * sum(byte < 32 and byte not in b"\t\n\r\f" for byte in content) <= len(content))
    path = tmp_path / name
    path.write_bytes(content)
    table = read_table(path)
    assert table.rows == rows
    assert [[*map(str.encode, row.values())] for row in table.rows] == [
        [*map(str.encode, row.values())] for row in rows
    ]


NESTED = [
    {"messages": [{"role": "user", "content": f"Sea {n}?"}], "q": "naïve 日本", "n": n, "x": 0.5} for n in range(9)
]
FLAT = [{"q": f"Sea {n}?", "a": 'Blue, "so" to say;\nor green.'} for n in range(9)]
SEEDS = [
    ("a.csv", as_csv(FLAT)),
    ("a.tsv", as_csv(FLAT).decode().replace('","', '"\t"').encode("utf-16")),
    ("a.json", json.dumps(NESTED, indent=1).encode()),
    ("b.json", json.dumps({"rows": NESTED}).encode()),
    ("a.jsonl", "\n".join(map(json.dumps, NESTED)).encode()),
    ("a.txt", b"One.\n\nTwo\nthree.\n"),
    ("a.parquet", packed(pyarrow.Table.from_pylist(NESTED))),
    ("b.parquet", packed(pyarrow.Table.from_pylist(FLAT), "none", use_dictionary=False)),
    ("a.arrow", arrow(pyarrow.Table.from_pylist(NESTED))),
    ("b.arrow", stream(pyarrow.Table.from_pylist(NESTED))),
    ("a.feather", arrow(pyarrow.Table.from_pylist(NESTED), "lz4")),
    ("a.xlsx", workbook("qa", *(row.values() for row in FLAT))),
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """``content`` with one to four changes: a bit flipped, bytes removed, inserted, swapped, or the end truncated."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed)) if changed else 0
        change = chance.choice(("flip", "cut", "insert", "swap", "end"))
        if change == "insert":
            changed[place:place] = chance.randbytes(chance.randint(1, 8))
        elif not changed:
            break
        elif change == "flip":
            changed[place] ^= 1 << chance.randrange(8)
        elif change == "cut":
            del changed[place : place + chance.randint(1, 60)]
        elif change == "swap":
            other = chance.randrange(len(changed))
            changed[place], changed[other] = changed[other], changed[place]
        elif chance.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def slow_or_broken(path, count: int, seed: int) -> list[str]:
    """What is wrong with the reading of ``count`` mutated files: anything but rows or a sentence, in two seconds."""
    chance, wrong = random.Random(seed), []
    for number in range(count):
        name, content = chance.choice(SEEDS)
        content = mutated(content, chance)
        (path / name).write_bytes(content)
        began = time.process_time()
        try:
            table = read_table(path / name)
            if not len(table.rows) == len(table.numbers) == len(table.lines) > 0:
                wrong.append(f"{number} {name}: rows without numbers")
            list(table.rows)
        except DataError as error:
            if not error.message:
                wrong.append(f"{number} {name}: no message")
        except Exception as error:  # whatever it is, it is what this test looks for
            wrong.append(f"{number} {name}: {error!r}")
        if time.process_time() - began > 2:
            wrong.append(f"{number} {name}: {time.process_time() - began:.1f} s")
    return wrong


def test_600_mutated_files_are_read_or_refused_in_words(tmp_path):
    assert slow_or_broken(tmp_path, 600, int.from_bytes(os.urandom(4), "big")) == []


@pytest.mark.heavy
@pytest.mark.timeout(3000)
def test_20000_mutated_files_are_read_or_refused_in_words(tmp_path):
    assert slow_or_broken(tmp_path, 20_000, 1) == []
