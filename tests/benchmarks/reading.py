"""How fast JSON lines are read, beside ``datasets.load_dataset("json")`` on the same file, and in how much memory.

    python -m tests.benchmarks.reading [--rows 1000,10000,100000,1000000] [--runs 3] [--json FILE]

Rows of about 500 bytes with letters of several scripts, whole numbers and escapes. Each reading is a process of its own
with a fresh cache, and the two ways take turns; imports are not counted. Medians of the runs; one pass over all rows
read is timed besides. ``ratio`` is load_dataset's time over ours: 0.5 is half its speed.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = (
    "the sea is blue and ships sail far away from home while gulls cry über naïve 日本 привет stone river light answer "
    "question because model train data row table"
)
WORDS = TEXT.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="1000,10000,100000,1000000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", help="a file for the numbers")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, path = options.one
        print(json.dumps({"ours": read_ours, "load_dataset": read_theirs}[way](path)))
        return
    found = []
    print("     rows     MB   ours s  load_dataset s  ratio  ours MB grown  load_dataset MB grown  one pass s")
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        for rows in map(int, options.rows.split(",")):
            path = write(Path(folder) / f"{rows}.jsonl", rows)
            found.append(measure(path, rows, options.runs))
            path.unlink()
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def write(path: Path, rows: int) -> Path:
    """``path`` with so many rows, the same each time."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            question, answer = " ".join(chance.choices(WORDS, k=20)), " ".join(chance.choices(WORDS, k=52))
            row = {
                "question": f'{question} "why"?' if number % 5 == 0 else question,
                "answer": f"{answer}\n" if number % 3 == 0 else answer,
                "id": number,
                "level": number % 10,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def measure(path: Path, rows: int, runs: int) -> dict:
    """One line of the table."""
    taken = {"ours": [], "load_dataset": []}
    for _ in range(runs):
        for way, found in taken.items():
            command = [sys.executable, "-m", __spec__.name, "--one", way, str(path)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert all(one["rows"] == rows for found in taken.values() for one in found)
    ours, theirs = ({key: statistics.median(one[key] for one in taken[way]) for key in taken[way][0]} for way in taken)
    line = {
        "rows": rows,
        "mb": path.stat().st_size / 1e6,
        "ours_s": ours["s"],
        "load_dataset_s": theirs["s"],
        "ratio": theirs["s"] / ours["s"],
        "ours_grown_mb": ours["grown_mb"],
        "load_dataset_grown_mb": theirs["grown_mb"],
        "pass_s": ours["pass_s"],
    }
    print(
        f"{rows:9,} {line['mb']:6.1f} {line['ours_s']:8.3f} {line['load_dataset_s']:15.3f} {line['ratio']:6.2f} "
        f"{line['ours_grown_mb']:14.0f} {line['load_dataset_grown_mb']:22.0f} {line['pass_s']:11.3f}",
        flush=True,
    )
    return line


def read_ours(path: str) -> dict:
    """The file as ``read_table`` reads it."""
    import numpy  # noqa: F401 (imports are not counted)
    import orjson  # noqa: F401

    from finetune.data.sources import read_table

    table, told = clocked(read_table, path)
    started = time.perf_counter()
    assert sum(1 for _ in table.rows) == len(table.rows)
    return {"rows": len(table.rows), **told, "pass_s": time.perf_counter() - started}


def read_theirs(path: str) -> dict:
    """The file as Hugging Face's datasets reads it, into an empty cache."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    from datasets import load_dataset

    with tempfile.TemporaryDirectory(prefix="reading-cache-") as cache:
        rows, told = clocked(load_dataset, "json", data_files=path, split="train", cache_dir=cache)
        return {"rows": len(rows), **told, "pass_s": 0.0}


def clocked(work, *given, **named):
    """What ``work`` returns, with its seconds and by how many MB the resident memory grew."""
    import psutil

    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    result = work(*given, **named)
    return result, {
        "s": time.perf_counter() - began,
        "grown_mb": (psutil.Process().memory_info().rss - before) / 1e6,
    }


if __name__ == "__main__":
    main()
