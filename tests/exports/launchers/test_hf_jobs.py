"""The commands for Hugging Face Jobs, read by the client itself as far as it goes without the network."""

import os
import subprocess

import pytest

from finetune.errors import RunError
from finetune.exports.launchers.hf_jobs import FLAVOR, gpus_of
from tests.exports.launchers.test_launcher import job, shellchecked, text

ALONE = "jobs uv run --flavor l4x1 --timeout 5h --secrets HF_TOKEN -v .:/run -v hf://buckets/me/tuned:/out train.py"
SEVERAL = "uv run --no-project --python >=3.11 --with-requirements /run/train.py python -m torch.distributed.run"


def called(tmp_path, source) -> str:
    """What the file asks ``hf`` for."""
    program = tmp_path / "bin" / "hf"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$(pwd): $*"\n')
    program.chmod(0o755)
    (tmp_path / "hf-jobs.sh").write_text(source, encoding="utf-8")
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", tmp_path / "hf-jobs.sh"], cwd="/", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_gpu_is_a_script_of_uv(tmp_path):
    source = text("hf-jobs", flavor="l4x1", bucket="me/tuned", hours=5)
    shellchecked(source)
    assert called(tmp_path, source) == f"{tmp_path}: {ALONE} --data /run --to /out"


def test_several_gpus_have_a_process_each(tmp_path):
    source = text("hf-jobs")
    shellchecked(source)
    words = called(tmp_path, source)
    assert words.startswith(f"{tmp_path}: jobs run --flavor l4x4 ")
    assert words.endswith(f"{SEVERAL} --standalone --nproc-per-node 4 /run/train.py --data /run --to /out")


def test_the_client_knows_each_option():
    from huggingface_hub.cli.jobs import jobs_cli

    commands = jobs_cli.commands
    alone = commands["uv"].commands["run"].make_context("run", ALONE.split()[3:] + ["--data", "/run"])
    assert alone.params["flavor"] and alone.params["timeout"] == "5h" and alone.params["script"] == "train.py"
    words = ["--flavor", "l4x4", "--timeout", "24h", "-v", ".:/run", "image", "uv", "run", "--no-project"]
    assert commands["run"].make_context("run", words).params["image"] == "image"


@pytest.mark.parametrize(
    ("flavor", "gpus"), [("cpu-basic", 0), ("t4-small", 1), ("l4x1", 1), ("l4x4", 4), ("a10g-largex2", 2), ("h200", 1)]
)
def test_the_gpus_follow_from_the_flavor(flavor, gpus):
    assert FLAVOR.fullmatch(flavor) and gpus_of(flavor) == gpus
    assert job("hf-jobs", flavor=flavor, bucket="me/b").gpus == gpus


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"bucket": "me/b"}, "need the name of the hardware, and flavor is ''"),
        ({"flavor": "l4x1; id", "bucket": "me/b"}, "need the name of the hardware"),
        ({"flavor": "l4x1"}, "keeps nothing, so it needs a bucket for the model"),
        ({"flavor": "l4x1", "bucket": "me/b:/x $(id)"}, "needs a bucket"),
    ],
)
def test_what_it_needs_is_asked_for(options, what):
    with pytest.raises(RunError, match=what):
        job("hf-jobs", **options)
