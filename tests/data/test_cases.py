"""Files in the shapes that people really have: each is understood as its author meant it, or refused in words.

``cases/open`` has the files, and ``cases/*.yaml`` what is expected of each, one file of expectations per kind of fault.
``cases/right`` has files that are read right, with their first and last example in ``cases/right.json``
(``python -m tests.data.test_cases`` writes those of files that are not in it).
"""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from finetune.data.loading import read, read_split
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from tests.rows import report_on

CASES = Path(__file__).parent / "cases"
RIGHT = CASES / "right.json"
ENTRIES = [
    pytest.param(entry, id=f"{path.stem}-{number}-{entry['file']}")
    for path in sorted(CASES.glob("*.yaml"))
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")) or [])
]
KEYS = {
    "file", "because", "settings", "refused", "format", "kind", "kept", "rejected", "columns", "unused", "confidence",
    "says", "silent", "first", "last", "held_out", "count",
}  # fmt: skip
"""What an expectation can hold:

    file        in ``cases/open``, or text that the test writes: {name: …, content: …}
    because     what its author meant, in words
    settings    ``DataSettings`` to read it with
    refused     part of the error, if nothing is to be read
    format, kind, kept (examples), rejected (rows), count (rows in all)
    columns     field -> column, as far as expected; unused: columns that are told to be not used, all of them
    confidence  [least, most]
    says        part of the reason, the notes or the findings; silent: no warning may be found
    held_out    how many rows are held out
    first, last an example as the trainer gets it, as far as its keys are named
"""


@pytest.mark.parametrize("entry", ENTRIES)
def test_understood_as_meant(entry, tmp_path):
    assert set(entry) <= KEYS, set(entry) - KEYS
    assert_understood(_file(entry["file"], tmp_path), entry)


def assert_understood(path: Path, entry: dict):
    """The file at ``path`` is read, or refused, as ``entry`` expects; gives what is read, or None."""
    settings = DataSettings(path=path.name, **entry.get("settings", {}))
    if "refused" in entry:
        with pytest.raises(DataError) as error:
            read(path, settings)
        assert entry["refused"] in str(error.value)
        return None
    data = read(path, settings)
    wanted = {key: entry[key] for key in ("format", "kind") if key in entry}
    assert {key: getattr(data, key) for key in wanted} == wanted, data.reason
    assert entry.get("count", data.total_rows) == data.total_rows
    assert entry.get("kept", len(data.examples)) == len(data.examples)
    assert entry.get("rejected", len(data.rejected)) == len(data.rejected), data.rejected[:3]
    assert entry.get("columns", {}).items() <= data.columns.items()
    if "unused" in entry:
        assert sorted(entry["unused"]) == sorted(data.unused)
    least, most = entry.get("confidence", (0, 1))
    assert least <= data.confidence <= most
    if "held_out" in entry:
        assert len(read_split(path, settings, seed=7)[2]) == entry["held_out"]
    _check_examples(entry, data.examples)
    _check_words(entry, data)
    return data


def _file(named, folder: Path) -> Path:
    if isinstance(named, str):
        return CASES / "open" / named
    path = folder / named["name"]
    path.write_text(named["content"], encoding=named.get("encoding", "utf-8"))
    return path


def _check_examples(entry: dict, examples) -> None:
    for key, place in (("first", 0), ("last", -1)):
        wanted = entry.get(key, {})
        found = {name: value for name, value in examples[place].items() if name in wanted}
        assert found == wanted


def _check_words(entry: dict, data) -> None:
    if "says" not in entry and "silent" not in entry:
        return
    findings = report_on(data).findings
    said = " ".join([data.reason, *data.notes, *(finding.message for finding in findings)])
    assert entry.get("says", "") in said, said
    if entry.get("silent"):
        assert not [finding.message for finding in findings if finding.severity != "info"]


@cache
def _right() -> dict:
    return json.loads(RIGHT.read_text(encoding="utf-8")) if RIGHT.is_file() else {}


def _seen(path: Path) -> dict:
    """What is made of a file, as JSON values."""
    try:
        data = read(path, DataSettings(path=path.name))
    except DataError as error:
        return {"refused": error.message}
    seen = {
        "format": data.format,
        "columns": data.columns,
        "kept": len(data.examples),
        "rejected": {rejected.row: rejected.reason for rejected in data.rejected},
        "first": data.examples[0],
        "last": data.examples[-1],
    }
    return json.loads(json.dumps(seen, ensure_ascii=False, default=str))


@pytest.mark.parametrize("path", sorted((CASES / "right").iterdir()), ids=lambda path: path.name)
def test_what_is_right_stays_so(path):
    assert _seen(path) == _right()[path.name]


if __name__ == "__main__":
    known = _right()
    found = {path.name: known.get(path.name) or _seen(path) for path in sorted((CASES / "right").iterdir())}
    RIGHT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
