"""The table of architectures: what the program makes of each that Transformers knows, as it was measured.

    python -m tests.zoo_table [--only NAME,NAME] [--again | --kept] [--write]

Runs the trials of ``tests/zoo_trials.py`` for every architecture of the zoo, each in a process of its own, so that one
that dies costs its row alone. What is measured is kept in a temporary folder: an interrupted table continues there,
``--again`` measures anew, and ``--kept`` measures nothing more. ``--write`` records the rows that there are in
assets/architectures.json, from which ``tests.docs`` makes the tables in README.md and assets/lab.md.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from finetune.paths import ASSETS

FIGURES = ASSETS / "architectures.json"
KEPT = Path(tempfile.gettempdir()) / "finetune-zoo-table"
"""What has been measured so far: a file for each architecture."""
AT_ONCE = 2
"""Architectures that are tried at the same time, one thread each."""
LIMIT_S = 600
"""Seconds after which an architecture's trials are ended."""
RECURRENT = ("mamba", "linear_attention", "conv_L_cache", "rwkv", "lru_width", "state_size", "lightning", "gated_delta")
"""What the config of an architecture has that keeps state along the sequence in place of, or beside, attention."""
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
"""What configs call the number of their experts."""
BAD = ("wrong", "crash")
"""How the words of a cell begin that must not be in the table."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAMES", help="these architectures alone, with commas between")
    parser.add_argument("--again", action="store_true", help="measure again what has been measured")
    parser.add_argument("--kept", action="store_true", help="measure nothing more")
    parser.add_argument("--write", action="store_true", help="record the rows of all architectures for the tables")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    from tests import zoo

    names = options.only.split(",") if options.only else zoo.architectures()
    KEPT.mkdir(exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        missing = [name for name in names if options.again or not kept(name).exists()]
        list(threads.map(measure, [] if options.kept else missing))
    rows = {name: json.loads(kept(name).read_text(encoding="utf-8")) for name in names if kept(name).exists()}
    bad = [f"{name} {trial}: {words}" for name, row in rows.items() for trial, words in row.items() if is_bad(words)]
    print(f"{len(rows)} architectures, {len(bad)} cells wrong or crashed", *bad, sep="\n")
    if options.write:
        lines = (f"  {json.dumps(name)}: {json.dumps({'family': family(name)} | row)}" for name, row in rows.items())
        FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 1 if bad else 0


def family(name: str) -> str:
    """The kind of architecture that ``name`` is, by its config."""
    from tests import zoo

    config = zoo.config(name)
    text = config.get_text_config()
    known = {*vars(text), *text.attribute_map}
    if any("vision" in part or "audio" in part for part in type(config).sub_configs) or "patch_size" in vars(config):
        return "reads more than text"
    if any(word in f"{name} {known} {getattr(text, 'layer_types', '')}" for word in RECURRENT):
        return "state-space, recurrent or hybrid"
    if any(getattr(text, each, None) for each in EXPERTS):
        return "mixture of experts"
    return "dense transformer"


def kept(name: str) -> Path:
    return KEPT / f"{name}.json"


def is_bad(words: str) -> bool:
    return words.startswith(BAD)


def measure(name: str) -> None:
    """Keep the row of ``name``; a process that dies, or takes too long, leaves one that says so."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.zoo_trials"])
    began = time.monotonic()
    process = context.Process(target=_write_row, args=(name, kept(name)))
    kept(name).unlink(missing_ok=True)
    process.start()
    process.join(LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
    if not kept(name).exists():
        words = "took too long" if time.monotonic() - began > LIMIT_S else f"ended with {process.exitcode}"
        kept(name).write_text(json.dumps({"lora": f"crash: the process {words}"}), encoding="utf-8")
    print(f"{time.monotonic() - began:5.1f} s  {name}: {kept(name).read_text(encoding='utf-8')}", flush=True)


def _write_row(name: str, to: Path) -> None:
    """Runs in a process of its own: the trials of ``name``, and their words to the file ``to``."""
    from tests.zoo_trials import Trials, quiet

    quiet()
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(Trials(name, Path(folder)).cells())
    unfinished = to.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(to)


if __name__ == "__main__":
    sys.exit(main())
