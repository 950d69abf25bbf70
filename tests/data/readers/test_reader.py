"""A kind of file is one file of the package: nothing else names it."""

import json
import subprocess
import sys

import pytest

from finetune.data.readers import READABLE, READERS, SUFFIXES, TITLES
from finetune.paths import PROJECT

INI = """
from finetune.data.readers.reader import Reader
from finetune.data.table import Reading, Table


class Ini(Reader):
    titles = ("INI",)
    suffixes = (".ini",)
    is_text = True

    def claims(self, head):
        return head.text.startswith("[row]")

    def read(self, path, reading=Reading()):
        table = Table("INI", reading=reading)
        table.add(dict(line.split("=") for line in path.read_text().splitlines()[1:]))
        return table
"""

WITH_ANOTHER = """
import importlib.util, json, sys

spec = importlib.util.find_spec("finetune.data.readers")
spec.submodule_search_locations.append(sys.argv[1])
package = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)

from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.settings import fields
from finetune.ui.data.intake import SUFFIXES

help = next(field.help for field in fields(DataSettings) if field.name == "path")
rows = [list(read_table(path).rows) for path in sys.argv[2:]]
print(json.dumps([rows, SUFFIXES, package.READABLE, help]))
"""


def test_one_new_file_is_a_new_kind_of_file(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "ini.py").write_text(INI)
    for name in ("a.ini", "a.txt"):
        (tmp_path / name).write_text("[row]\nprompt=Sea?\n")
    (tmp_path / "a.csv").write_text("prompt,completion\nSea?,Blue.\n")
    command = [sys.executable, "-c", WITH_ANOTHER, folder, *(tmp_path / name for name in ("a.ini", "a.txt", "a.csv"))]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows, suffixes, readable, help = json.loads(done.stdout)
    assert rows == [[{"prompt": "Sea?"}], [{"prompt": "Sea?"}], [{"prompt": "Sea?", "completion": "Blue."}]]
    assert ".ini" in suffixes
    assert ", INI, " in readable and f"({readable})" in help


def test_the_kinds_are_listed_as_a_sentence():
    assert READABLE == (
        "CSV, TSV, YAML, JSONL, JSON, Parquet, Arrow, Excel (.xlsx), OpenDocument (.ods), Excel 97 (.xls), "
        "Word (.docx), HTML, PDF, Markdown or plain text"
    )


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: type(reader).__name__)
def test_a_reader_says_what_it_reads(reader):
    assert bool(reader.titles) == bool(reader.suffixes)  # one that has neither is known by its content alone
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in reader.suffixes)
    assert set(reader.hub_suffixes) <= set(reader.suffixes)


def test_no_two_readers_share_a_suffix_or_a_title():
    assert len(SUFFIXES) == len(set(SUFFIXES)) and len(TITLES) == len(set(TITLES))
