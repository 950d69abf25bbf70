"""The task file: its keys are SkyPilot's, and its shell is sound."""

import subprocess

import pytest
import yaml

from finetune.errors import RunError
from tests.exports.launchers.test_launcher import job, shellchecked, text

KEYS = {"name", "num_nodes", "workdir", "resources", "file_mounts", "setup", "run"}
RESOURCES = {"accelerators", "cpus", "disk_size"}
"""Of the task's YAML specification."""


@pytest.mark.parametrize(
    ("options", "hardware"),
    [
        ({"nodes": 2, "gpus_per_node": 8, "flavor": "A100-80GB"}, {"accelerators": "A100-80GB:8"}),
        ({"gpus_per_node": 0, "bucket": "s3://my-bucket"}, {"cpus": "4+"}),
    ],
)
def test_its_keys_are_those_of_a_task(options, hardware):
    task = yaml.safe_load(text("skypilot", **options))
    assert (
        task.keys() <= KEYS and task["resources"].keys() <= RESOURCES and hardware.items() <= task["resources"].items()
    )
    assert task["num_nodes"] == options.get("nodes", 1) and task["name"] == "run-001-pirate-voice"
    shellchecked(task["run"])
    shellchecked(task["setup"])
    assert '--node-rank "$SKYPILOT_NODE_RANK"' in task["run"] and "timeout 24h " in task["run"]
    assert task["run"].rstrip().endswith("train.py --to /out" if "bucket" in options else "train.py")
    mounts = {"/out": {"source": "s3://my-bucket", "mode": "MOUNT"}} if "bucket" in options else None
    assert task.get("file_mounts") == mounts


def test_the_first_of_the_addresses_is_where_they_meet(tmp_path):
    run = yaml.safe_load(text("skypilot"))["run"]
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$*"\n')
    program.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TRAIN_PYTHON": str(program)}
    environment |= {"SKYPILOT_NODE_IPS": "10.0.0.5\n10.0.0.6", "SKYPILOT_NUM_NODES": "2", "SKYPILOT_NODE_RANK": "1"}
    done = subprocess.run(["bash", "-c", run], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == (
        "-m torch.distributed.run --nnodes 2 --nproc-per-node 1 --node-rank 1 "
        "--master-addr 10.0.0.5 --master-port 29500 train.py"
    )


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({}, "needs the name of a GPU, and flavor is ''"),
        ({"flavor": "L4: {x: 1}"}, "needs the name of a GPU"),
        ({"gpus_per_node": 0, "bucket": "me/bucket"}, "does not know the bucket"),
    ],
)
def test_what_it_does_not_know_is_refused(options, what):
    with pytest.raises(RunError, match=what):
        job("skypilot", **options)
