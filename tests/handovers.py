"""Every way to hand over a run, for four kinds of runs of the starter: does what was written answer as the run does?

    python -m tests.handovers [--write]

Each run is trained on the pirate sample, then leaves in every form twice: by ``python -m finetune export`` in a process
of its own, and as the page asks for it (``ui.train.handover.ask``, the queue's thread). The Hub is a stand-in on this
machine. Both ways must come to the same. ``--write`` keeps the results in ``assets/handovers.json``, from which
``python -m tests.docs --write`` draws the table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gradio as gr

from finetune.exports import TARGETS
from finetune.exports.handover import Handover
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.service.worker import work
from finetune.ui.studio import Studio
from finetune.ui.train import handover
from tests.hub_writing import writing_hub

HANDOVERS = ASSETS / "handovers.json"
RUNS = ("lora", "qlora", "full", "prefix")
"""The adapter of each run."""
FORMS: tuple[tuple[str, dict[str, object]], ...] = (
    ("adapter", {}),
    ("merged", {}),
    ("gguf", {"quantization": "f16"}),
    ("gguf", {"quantization": "q8_0"}),
    ("gguf", {"quantization": "q4_k_m"}),
    ("hub", {"what": "adapter"}),
    ("hub", {"what": "merged"}),
    ("script", {}),
)
"""Each form with its options."""
STEPS, PATIENCE_S = 60, 600


def name_of(form: str, options: dict[str, object]) -> str:
    """A form in the table: ``gguf q8_0``."""
    return " ".join([form, *map(str, options.values())])


def words_of(parity: dict | None) -> str:
    """What a parity check found, in a few words."""
    if parity is None:
        return "written"
    same = sum(each["is_same_prompt"] and not each["differences"] for each in parity["compared"])
    words = f"{same} of {len(parity['compared'])}"
    return words if parity["passes"] else f"fails ({words})"


def by_command(run: Run, form: str, options: dict[str, object], to: Path) -> str:
    """The cell of a form, from the command line."""
    given = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "finetune", "export", run.id, "--to", to, "--as", form, "--json", *given]
    done = subprocess.run(list(map(str, command)), cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode == 2:
        return "refused"
    return words_of(json.loads(done.stdout)["parity"]) if done.stdout else f"crashed: {done.stderr[-200:]}"


def by_page(studio: Studio, run: Run, form: str, options: dict[str, object]) -> str:
    """The cell of a form, as a click on the page asks for it."""
    with gr.Blocks():
        parts = handover.draw()
    values = [options.get(path.partition(".")[2]) for path in parts.form.inputs]
    notice, _ = handover.ask(studio, parts.form, run.id, form, *values)
    if notice:
        return "refused"
    asked, end = Handover(run, TARGETS[form]), time.monotonic() + PATIENCE_S
    while asked.is_asked and time.monotonic() < end:
        time.sleep(0.1)
    if asked.failure[0]:
        return f"crashed: {asked.failure[0]}" if asked.failure[0].startswith("An unexpected") else "refused"
    return words_of(asked.parity.model_dump() | {"passes": asked.parity.passes} if asked.parity else None)


def trained(workspace: Workspace, adapter: str) -> Run:
    """A finished run of the starter."""
    sample = ASSETS / "samples" / "pirate-voice.jsonl"
    values = {"name": f"pirate {adapter}", "data": {"path": str(sample)}, "adapter": {"type": adapter}}
    changes = {"training.max_steps": STEPS, "evaluation.score_rows": 0, "evaluation.times": 1}
    run = workspace.create(Recipe.from_dict(values).changed(**changes))
    work(run, workspace)
    return run


def try_all(folder: Path) -> dict[str, dict[str, str]]:
    """Each run by its adapter: what became of each form, by the command line and, where that is else, by the page."""
    workspace, found = Workspace(folder / "workspace"), {}
    os.environ["FINETUNE_HOME"] = str(workspace.path)
    studio = Studio(workspace)
    for adapter in RUNS:
        run, found[adapter] = trained(workspace, adapter), {}
        for form, options in FORMS:
            name = name_of(form, options)
            repo = {"repo": f"ada/{run.id}-{len(found[adapter])}"} if form == "hub" else {}
            cell = by_command(run, form, options | repo, folder / adapter / name)
            page = by_page(studio, run, form, options | {key: f"{value}-page" for key, value in repo.items()})
            found[adapter][name] = cell if cell == page else f"{cell}; page: {page}"
            print(adapter, name, found[adapter][name], flush=True)
    studio.queue.close(0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the results in assets/handovers.json")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        found = try_all(options.folder)
        if options.write:
            HANDOVERS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    with tempfile.TemporaryDirectory(prefix="handovers-") as folder, writing_hub(ada="hf_ada") as hub:
        # The client of the Hub reads its address once, at its import.
        at = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_ada", "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        again = [sys.executable, "-m", "tests.handovers", "--in", folder, *(["--write"] if options.write else [])]
        subprocess.run(again, cwd=PROJECT, env=os.environ | at, check=True)


if __name__ == "__main__":
    main()
