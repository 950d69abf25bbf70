"""How fast JSON lines become a checked dataset, compared with ``datasets.load_dataset("json")`` on the same file.

    python -m tests.benchmarks.reading [--rows 1000,10000,100000,1000000] [--runs 3] [--json FILE]

Rows of about 500 bytes with letters of several scripts, whole numbers and escapes. Three ways alternate, each in a new
process with an empty cache: ``load_dataset``; our strict reading; and everything the Data tab does before it shows a
result: reading, detection of the format, every row as an example, the full report with the starter's tokens, and the
tokens of the first example. Imports and the loading of the tokenizer are not counted. Medians of the runs; a ratio is
load_dataset's time over ours, so 0.5 is half its speed; MB is the peak growth of resident memory.
"""

import argparse
import json
import os
import random
import resource
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


HEAD = (
    "     rows     MB | seconds: load_dataset    read  checked | ratio:  read  checked |"
    " MB grown: load_dataset  read  checked"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="1000,10000,100000,1000000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", help="a file for the numbers")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, path = options.one
        print(json.dumps(WAYS[way](path)))
        return
    found = []
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        for rows in map(int, options.rows.split(",")):
            path = write(Path(folder) / f"{rows}.jsonl", rows)
            found.append(measure(path, rows, options.runs))
            path.unlink()
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def write(path: Path, rows: int) -> Path:
    """``path`` with ``rows`` rows, the same each time."""
    generator = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            question, answer = " ".join(generator.choices(WORDS, k=20)), " ".join(generator.choices(WORDS, k=52))
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
    taken = {way: [] for way in WAYS}
    for _ in range(runs):
        for way, found in taken.items():
            command = [sys.executable, "-m", __spec__.name, "--one", way, str(path)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert all(one["rows"] == rows for found in taken.values() for one in found)
    line = {"rows": rows, "mb": path.stat().st_size / 1e6}
    for way, found in taken.items():
        line |= {f"{way}_{key}": statistics.median(one[key] for one in found) for key in ("s", "grown_mb")}
    line |= {f"{way}_ratio": line["load_dataset_s"] / line[f"{way}_s"] for way in ("read", "checked")}
    print(
        f"{rows:9,} {line['mb']:6.1f} | {line['load_dataset_s']:21.3f} {line['read_s']:7.3f} {line['checked_s']:8.3f} |"
        f" {line['read_ratio']:12.2f} {line['checked_ratio']:8.2f} | {line['load_dataset_grown_mb']:22.0f}"
        f" {line['read_grown_mb']:5.0f} {line['checked_grown_mb']:8.0f}",
        flush=True,
    )
    return line


def read(path: str) -> dict:
    """The file as ``read_table`` reads it."""
    from finetune.data.sources import read_table

    prepare()
    table, measured = clocked(read_table, path)
    return {"rows": len(table.rows), **measured}


def checked(path: str) -> dict:
    """The file as the Data tab shows it: read, detected, checked, and its first example as tokens."""
    from finetune.data.loading import read
    from finetune.data.report import check
    from finetune.data.settings import DataSettings
    from finetune.data.summary import PREFILTER
    from finetune.machine.libraries import load_tokenizers
    from finetune.methods import method_for
    from finetune.models.tokenizer import load_tokenizer
    from finetune.recipe import ModelSettings
    from finetune.runs.workspace import Workspace

    prepare()
    load_tokenizers()
    tokenizer, method = load_tokenizer(ModelSettings(), Workspace()), method_for("chat")
    method.sequences(
        {"messages": [{"role": role, "content": "Aye."} for role in ("user", "assistant")]}, tokenizer, 1024
    )

    def sequences(example: dict):
        return method.sequences(example, tokenizer, 1024)

    def work():
        dataset = read(Path(path), DataSettings(path=path), prefilter=PREFILTER)
        return check(dataset, sequences), sequences(dataset.examples[0])

    (report, shown), measured = clocked(work)
    assert shown and report.kept == report.rows
    return {"rows": report.rows, **measured}


def prepare() -> None:
    """Import what is otherwise imported on first use, so that it is not counted."""
    import numpy  # noqa: F401
    import orjson  # noqa: F401
    import pyarrow.compute
    import pyarrow.json  # noqa: F401


def load_dataset(path: str) -> dict:
    """The file as Hugging Face's datasets reads it, into an empty cache."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    import datasets

    with tempfile.TemporaryDirectory(prefix="reading-cache-") as cache:
        rows, measured = clocked(datasets.load_dataset, "json", data_files=path, split="train", cache_dir=cache)
        return {"rows": len(rows), **measured}


def clocked(work, *given, **named):
    """The result of ``work``, with its seconds and the peak growth of resident memory in MB."""
    import psutil

    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    result = work(*given, **named)
    seconds = time.perf_counter() - began
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result, {"s": seconds, "grown_mb": (highest - before) / 1e6}


WAYS = {"load_dataset": load_dataset, "read": read, "checked": checked}

if __name__ == "__main__":
    main()
