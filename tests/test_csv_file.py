import csv
import io

import pytest

from finetune.csv_file import cell, csv_of
from finetune.data.report import Rejected, Report

FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1", "\t1", "\r1", "\0=1", "-2+3+cmd|' /C calc'!A0"),
    *('"=1', "'=1", ' " =1', "“=1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u202e=1", "\u3000=1", "\x1f=1", "\x0b+1"),
    *("＝1+1", "＋1", "－1", "＠SUM(A1)", " ＝1", "﹢1", "﹣1", "﹦1", "﹫A1", '=HYPERLINK("http://evil.example")'),
)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_spreadsheet_reads_every_cell_as_it_was():
    rows = [("Wie heißt das Meer?", 'He said "no"; then, yes', "two\nlines", "")]
    found = csv_of(("question", "base", "tuned", "expected"), rows)
    assert found.startswith(b"\xef\xbb\xbf")
    head, row = read(found)
    assert head == ["question", "base", "tuned", "expected"] and tuple(row) == rows[0]


@pytest.mark.threat("T15")
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    assert cell(text) == f"'{text}"
    assert cell(f"a{text}") == f"a{text}"
    assert all(each.startswith("'") for row in read(csv_of((text,), [(text,)])) for each in row)


def test_amounts_are_numbers():
    rows = [(3, "a"), (-1, "-1"), (-0.5, "b"), (1e-05, "c")]
    assert read(csv_of(("row", "by"), rows))[1:] == [["3", "a"], ["-1", "'-1"], ["-0.5", "b"], ["1e-05", "c"]]


def test_half_a_surrogate_pair_does_not_break_the_file():
    assert b"a?b" in csv_of(("a",), [("a\ud800b",)])


@pytest.mark.threat("T15")
def test_neither_the_name_of_a_file_nor_that_of_a_column_is_a_formula_in_the_list_of_rejected_rows():
    rejected = [
        Rejected(2, "=1+1 is no number.", 3, file="=1+1.csv"),
        Rejected(4, "＝A1: no such column.", 5, file="＠b.csv"),
    ]
    rows = read(Report("chat", 2, rejected=rejected).rejected_csv())
    assert rows[1:] == [
        ["2", "3", "'=1+1 is no number.", "'=1+1.csv"],
        ["4", "5", "'＝A1: no such column.", "'＠b.csv"],
    ]


@pytest.mark.threat("T15")
def test_every_table_that_the_program_writes_is_written_here():
    from finetune.paths import PROJECT

    writers = ("csv.writer", "DictWriter", "to_csv", "write_csv", "savetxt", "Workbook(")
    found = [
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "finetune").rglob("*.py")
        if any(each in path.read_text(encoding="utf-8") for each in writers)
    ]
    # The sample of a messy table ships with the program: its author is the program.
    assert sorted(found) == ["finetune/csv_file.py", "finetune/starter/messy.py"]
