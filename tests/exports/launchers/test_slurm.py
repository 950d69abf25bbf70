"""The batch file: its options are Slurm's, and it trains where ``srun`` and ``scontrol`` play two nodes."""

import re
import subprocess
import sys

import pytest

from finetune.exports.script import Script, ScriptOptions
from tests.exports.launchers.test_launcher import shellchecked, text
from tests.exports.test_script import EXACT, bare_environment, losses, losses_of

OPTIONS = {
    "job-name": r"[\w-]+",
    "nodes": r"\d+",
    "ntasks-per-node": r"\d+",
    "gpus-per-node": r"\d+",
    "time": r"\d+:\d\d:\d\d",
    "output": r"[\w.%-]+",
}
"""Options of ``sbatch`` as its manual page has them, with the form of their values."""

SCONTROL = """#!/bin/sh
[ "$1 $2 $3" = "show hostnames node[1-2]" ] && printf 'localhost\\nnode2\\n'
"""
SRUN = """#!/bin/bash
SLURM_PROCID=0 "$@" & first=$!
SLURM_PROCID=1 "$@" & second=$!
wait $first && wait $second
"""
"""One task on each of two nodes."""
ECHO = '#!/bin/sh\necho "$SLURM_PROCID $(pwd) $*" >> "$TASKS"\n'
"""A python that only says how it was called."""


def options(found: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^#SBATCH --([\w-]+)=(\S+)$", found))


@pytest.fixture
def cluster(tmp_path):
    """Submits a batch file as ``sbatch`` does: a copy of it runs, in the folder that it was submitted from."""
    for name, program in (("scontrol", SCONTROL), ("srun", SRUN)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(program)
        path.chmod(0o755)

    def submit(file, **others):
        copy = tmp_path / "slurm_script"
        copy.write_bytes(file.read_bytes())
        environment = bare_environment() | {"SLURM_SUBMIT_DIR": str(file.parent), "SLURM_JOB_ID": "4321", **others}
        environment |= {"SLURM_JOB_NODELIST": "node[1-2]", "PATH": f"{tmp_path / 'bin'}:{environment['PATH']}"}
        return subprocess.run(["bash", copy], cwd="/", env=environment, capture_output=True, text=True)

    return submit


@pytest.mark.parametrize("gpus", [0, 4])
def test_its_options_are_those_of_sbatch(gpus):
    found = text("slurm", nodes=3, gpus_per_node=gpus, hours=36)
    shellchecked(found)
    asked = options(found)
    assert found.count("\n#SBATCH ") == len(asked), "each line is read"
    assert all(re.fullmatch(OPTIONS[name], value) for name, value in asked.items())
    assert asked["nodes"] == "3" and asked["ntasks-per-node"] == "1" and asked["time"] == "36:00:00"
    assert asked.get("gpus-per-node") == (str(gpus) if gpus else None)
    first = next(n for n, line in enumerate(found.splitlines()) if line and not line.startswith("#"))
    assert all("#SBATCH" not in line for line in found.splitlines()[first:]), "sbatch reads none after a command"


def test_one_torchrun_starts_on_each_node_and_meets_the_first(cluster, tmp_path):
    folder = tmp_path / "a shared folder"
    folder.mkdir()
    (folder / "slurm.sbatch").write_text(text("slurm"), encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(ECHO)
    python.chmod(0o755)
    done = cluster(folder / "slurm.sbatch", TRAIN_PYTHON=str(python), TASKS=str(tmp_path / "tasks"))
    assert done.returncode == 0, done.stderr
    words = "-m torch.distributed.run --nnodes 2 --nproc-per-node 4 --rdzv-id 4321 --rdzv-backend c10d"
    words += " --rdzv-endpoint localhost:29821 train.py --to=/data/my models/$(id)/it's"
    tasks = sorted((tmp_path / "tasks").read_text().splitlines())
    assert tasks == [f"{task} {folder} {words}" for task in (0, 1)]


def test_outside_of_a_job_it_says_so(tmp_path):
    (tmp_path / "slurm.sbatch").write_text(text("slurm"), encoding="utf-8")
    environment = bare_environment()
    done = subprocess.run(["bash", tmp_path / "slurm.sbatch"], env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "Start it with sbatch" in done.stderr


@pytest.mark.heavy
def test_two_nodes_train_as_the_run_did(cluster, trained, with_tiny, tmp_path):
    run = trained(**EXACT)
    asked = ScriptOptions(launcher="slurm", nodes=2, gpus_per_node=0, output=str(tmp_path / "the model's folder"))
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out", asked)
    done = cluster(script.parent / "slurm.sbatch", TRAIN_PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr[-3000:]
    steps, evaluations = losses_of(run)
    assert losses(tmp_path / "the model's folder") == pytest.approx(steps, rel=1e-5, abs=1e-6)
    assert losses(tmp_path / "the model's folder", "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6)
    assert (tmp_path / "the model's folder" / "model" / "adapter_model.safetensors").is_file()
