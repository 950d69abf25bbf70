import csv
import io

import pytest

from finetune.ui.compare.sheet import cell, csv_of

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1")


def test_a_spreadsheet_reads_every_cell_as_it_was():
    rows = [("Wie heißt das Meer?", 'He said "no"; then, yes', "two\nlines", "")]
    found = csv_of(("question", "base", "tuned", "expected"), rows)
    assert found.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""))
    assert head == ["question", "base", "tuned", "expected"] and tuple(row) == rows[0]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    assert cell(text) == f"'{text}"
    assert cell(f"a{text}") == f"a{text}"


def test_half_a_surrogate_pair_does_not_break_the_file():
    assert b"a?b" in csv_of(("a",), [("a\ud800b",)])
