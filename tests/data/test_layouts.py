"""The layouts that vendors, libraries and the Hub document, as the README lists them: each is read as its row says.

``layouts.yaml`` has them, with rows of our own in the columns and the nesting of the original.
"""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from finetune.data.detected import SURE
from tests.data.test_cases import assert_understood
from tests.docs import layouts

ENTRIES = layouts()
KEYS = {"from", "layout", "file", "rows", "format", "first", "unused", "asks", "because", "refused"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['from']}: {entry['layout']}")
def test_a_layout_is_read_as_the_readme_says(entry, tmp_path):
    assert set(entry) <= KEYS, set(entry) - KEYS
    path = tmp_path / entry["file"]
    _write(path, entry["rows"])
    if "refused" in entry:
        assert_understood(path, {"refused": entry["refused"]})
        return
    expected = {"format": entry["format"], "rejected": 0, "unused": entry.get("unused", [])}
    data = assert_understood(path, expected)
    assert data.examples[0] == entry["first"]
    assert (data.confidence < SURE) == entry.get("asks", False), data.confidence
    if entry.get("asks"):
        confirmed = assert_understood(path, {**expected, "settings": {"format": entry["format"]}, "confidence": [1, 1]})
        assert confirmed.examples[0] == entry["first"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['from']}: {entry['layout']}")
def test_what_is_not_read_at_once_has_a_reason(entry):
    assert ("because" in entry) == ("refused" in entry or "asks" in entry)
    assert ("refused" in entry) != ("format" in entry and "first" in entry)


def test_each_layout_is_listed_once():
    names = [(entry["from"], entry["layout"]) for entry in ENTRIES]
    assert len(names) == len(set(names)) > 50
    assert len({entry["file"] for entry in ENTRIES}) == len(names)


def _write(path: Path, rows: list[dict]) -> None:
    """Write ``rows`` in the way that the ending of ``path`` names."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=2, ensure_ascii=False), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
