"""Fault injection: inject every fault as often as the README claims, and record how many were survived.

    python -m tests.faults [--only WORD] [--write]

Runs the heavy tests named in FAULTS (about half an hour on 2 idle cores), or those with WORD in their name, and prints
how many of how many faults were survived. ``--write`` records that in assets/benchmarks.json, from which the README's
table is made.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

from finetune.paths import ASSETS, PROJECT

FIGURES = ASSETS / "benchmarks.json"
FAULTS = {
    "test_a_run_killed_at_random_moments_equals_one_that_was_not": "`kill -9` at a random moment; every loss afterwards"
    " equals that of an uninterrupted run",
    "test_a_run_killed_inside_a_save_can_be_resumed": "`kill -9` inside a save",
    "test_every_system_call_of_a_commit_fails_once": "each system call of a checkpoint commit fails once, with each of"
    " four errors",
    "test_the_process_is_killed_at_every_system_call_of_a_commit": "the process is killed at each system call of a"
    " checkpoint commit",
    "test_one_flipped_bit_is_found_wherever_it_is": "one flipped bit anywhere in a checkpoint is found",
    "test_a_full_disk_costs_at_most_one_save": "the disk fills up while a run trains",
    "test_asked_to_end_at_any_step": "SIGTERM at any step: exit 0 within 8 s, checkpoint at that step",
    "test_twenty_runs_leave_nothing_behind": "runs created and deleted in one process: memory at most 5 % up, threads"
    " and open files as before",
    "test_one_process_of_two_is_killed_and_the_run_resumed": "one of two processes of a distributed training is killed",
    "test_a_model_that_is_shared_out_learns_like_a_whole_one_though_killed": "one of two processes with a sharded"
    " model (FSDP 2) is killed; every loss equals that of a run in one process",
    "test_all_processes_of_a_run_end_with_those_that_started_them": "`kill -9` of the process that started a"
    " distributed training: both its processes end within 10 s",
    "test_each_of_50_refreshes_shows_the_run_again": "the page is reloaded while a run trains",
}
"""Name of a test -> the fault it injects, in words."""
TIMES = {"test_one_flipped_bit_is_found_wherever_it_is": 100, "test_twenty_runs_leave_nothing_behind": 20}
TIMES |= {"test_each_of_50_refreshes_shows_the_run_again": 50}
"""How often a test injects its fault, where its parameters do not say."""
FILES = [
    "tests/faults",
    "tests/test_app.py",
    "tests/flow/test_runs.py",
    "tests/runs/test_checkpoints.py",
    *(f"tests/training/test_{noun}.py" for noun in ("distributed", "fsdp")),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", default="", metavar="WORD", help="inject only the faults whose test has WORD in its name"
    )
    parser.add_argument("--write", action="store_true", help="record the figures for the README")
    options = parser.parse_args()
    names = [name for name in FAULTS if options.only in name]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "--heavy", "-q", "-k", " or ".join(names), f"--junitxml={report}"]
        done = subprocess.run([*command, *FILES], cwd=PROJECT, check=False)
        found = tally(xml.parse(report).getroot(), names)
    for line in found:
        print(f"{line['survived']:4} of {line['tried']:4}  {line['fault']}")
    if options.write:
        kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
        lines = {line["fault"]: line for line in (*kept.get("faults", ()), *found)}
        kept["faults"] = [lines[words] for words in FAULTS.values() if words in lines]
        FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return done.returncode


def tally(report: xml.Element, names: list[str]) -> list[dict]:
    """For each fault, how often it was injected and survived."""
    counts = {name: [0, 0] for name in names}
    for case in report.iter("testcase"):
        name, _, given = case.get("name").partition("[")
        times = TIMES.get(name) or trials(name, given)
        counts[name][0] += times
        counts[name][1] += 0 if case.find("failure") is not None or case.find("error") is not None else times
    return [{"fault": FAULTS[name], "tried": tried, "survived": well} for name, (tried, well) in counts.items()]


def trials(name: str, given: str) -> int:
    """How often a case injects its fault: its first parameter, if that is a number of times."""
    number = re.match(r"\d+", given)
    return int(number[0]) if number and "asked_to_end" not in name else 1


if __name__ == "__main__":
    sys.exit(main())
