"""Is a confidence of 95 % right in 95 of 100 files? Measured on every file and text of ``cases``.

    python -m tests.data.calibration            print the table
    python -m tests.data.calibration --write    bring the table in assets/lab.md up to date

A file is read as meant if the format, the columns and the examples are those that its author meant. Where an author's
meaning cannot be known from the file, so that a person has to be asked, no reading counts as meant.
"""

import argparse
import re
import tempfile
from pathlib import Path

from finetune.data.detected import SURE
from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.paths import ASSETS
from tests.data.test_cases import CASES, ENTRIES, _file, _right, _seen

LAB = ASSETS / "lab.md"
HEADING = "Confidence in the detected format against what authors meant"
BANDS = ((0.95, "95 % or more"), (SURE, "90 to 95 %"), (0.0, "below 90 %: asks"))


def measured() -> list[tuple[str, float, bool]]:
    """The name of each file that is read, the confidence, and whether it is read as its author meant."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for entry in (each.values[0] for each in ENTRIES):
            path = _file(entry["file"], Path(folder))
            data = _read(path) if "settings" not in entry else None
            if data is not None:
                found.append((path.name, data.confidence, _is_meant(entry, data)))
    for path in sorted((CASES / "right").iterdir()):
        data = _read(path)
        if data is not None:
            found.append((path.name, data.confidence, _seen(path) == _right()[path.name]))
    return found


def table(found: list[tuple[str, float, bool]]) -> str:
    """The measurements as a Markdown table."""
    lines, most = ["| Confidence | Files | Read as meant | Share |", "| --- | --- | --- | --- |"], 1.01
    for least, words in BANDS:
        band = [is_meant for _, confidence, is_meant in found if least <= confidence < most]
        share = f"{100 * sum(band) / len(band):.1f} %" if band else "–"
        lines.append(f"| {words} | {len(band)} | {sum(band)} | {share} |")
        most = least
    return "\n".join(lines)


def _read(path: Path):
    try:
        return read(path, DataSettings(path=path.name))
    except DataError:
        return None


def _is_meant(entry: dict, data) -> bool:
    if "refused" in entry or entry.get("confidence", (0, 1))[1] < SURE:
        return False
    wanted = {key: entry[key] for key in ("format", "kind") if key in entry}
    counts = {"kept": len(data.examples), "rejected": len(data.rejected), "count": data.total_rows}
    places = {key: place for key, place in (("first", 0), ("last", -1)) if key in entry}
    examples = all(entry[key].items() <= data.examples[place].items() for key, place in places.items())
    return (
        all(getattr(data, key) == value for key, value in wanted.items())
        and all(entry.get(key, count) == count for key, count in counts.items())
        and entry.get("columns", {}).items() <= data.columns.items()
        and examples
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--write", action="store_true", help="bring the table in assets/lab.md up to date")
    given, found = options.parse_args(), measured()
    made = table(found)
    print(made)
    for name, confidence, is_meant in found:
        if not is_meant and confidence >= SURE:
            print(f"not as meant: {name} ({confidence:.2f})")
    if given.write:
        text = LAB.read_text(encoding="utf-8")
        section = re.search(rf"^## [\d-]+: {re.escape(HEADING)}\n.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        written = section[0][: section[0].index("| Confidence")] + made + "\n\n"
        LAB.write_text(text.replace(section[0], written), encoding="utf-8")


if __name__ == "__main__":
    main()
