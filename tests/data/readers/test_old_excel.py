import random
from pathlib import Path

import pytest
import xlrd

from finetune.data.readers.old_excel import _value
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.errors import DataError

WORKBOOK = Path(__file__).parents[1] / "cases" / "open" / "old_workbook.xls"
"""A sheet of notes and one of six rows, with a number and dates, as a program of 2005 writes them."""


def test_the_rows_of_an_old_workbook():
    table = read_table(WORKBOOK)
    assert table.rows[0] == {"prompt": "Where is town 1?", "completion": "In Norway.", "when": "2026-01-01"}
    assert table.rows[2]["completion"] == "1.5" and len(table.rows) == 6
    assert table.sheets == ("Notes", "Data")


def test_its_sheets_can_be_chosen():
    settings = DataSettings(path=WORKBOOK.name, sheet="Notes")
    assert read_table(WORKBOOK, settings).rows == [{"Read me": "Fill in the other sheet"}]


def test_other_old_office_files_are_named(tmp_path):
    path = tmp_path / "letter.doc"
    path.write_bytes(WORKBOOK.read_bytes()[:512] + bytes(2000))
    with pytest.raises(DataError, match="old Office file without a workbook"):
        read_table(path)
    path.write_bytes(WORKBOOK.read_bytes()[:512] + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(DataError, match="protected by a password"):
        read_table(path)


def test_a_damaged_file_is_read_or_refused_in_words(tmp_path):
    chance, content, path = random.Random(3), WORKBOOK.read_bytes(), tmp_path / "data.xls"
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(8, len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed[: chance.randrange(600, len(changed))] if chance.random() < 0.3 else changed)
        try:
            list(read_table(path).rows)
        except DataError as error:
            assert error.message


@pytest.mark.parametrize("code, shown", [("0.0%", "12.5%"), ("General", 0.125), ("yyyy", 0.125)])
def test_a_number_is_read_as_its_format_shows_it(code, shown):
    assert _value(0, xlrd.XL_CELL_NUMBER, 0.125, code) == shown
