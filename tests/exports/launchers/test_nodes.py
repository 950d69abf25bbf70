"""Two machines are played by two processes of this one, each with the file of its own folder."""

import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.exports import Exported
from finetune.exports.script import Script, ScriptOptions
from tests.exports.launchers.test_launcher import shellchecked, text
from tests.exports.test_script import EXACT, bare_environment, losses, losses_of


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_the_file_is_sound_and_quotes_the_folder():
    found = text("nodes")
    shellchecked(found)
    assert found.rstrip().endswith("""train.py --to='/data/my models/$(id)/it'"'"'s'""")
    assert "--nnodes 2 --nproc-per-node 1 --node-rank" in found and 'export CUDA_VISIBLE_DEVICES=""' in found


def test_without_a_number_and_an_address_it_says_what_it_needs(tmp_path):
    (tmp_path / "nodes.sh").write_text(text("nodes"), encoding="utf-8")
    done = subprocess.run(["bash", tmp_path / "nodes.sh", "0"], capture_output=True, text=True)
    assert done.returncode != 0 and "Usage: bash nodes.sh NUMBER ADDRESS" in done.stderr


@pytest.mark.heavy
@pytest.mark.parametrize("dropped", [1, 3])
def test_two_machines_train_as_the_run_did_and_the_first_alone_writes(dropped, trained, with_tiny, tmp_path):
    """The folders are apart; 20 rows less what the held-out rows and ``dropped`` leave do not fill each batch."""
    uneven = {"data.fixes": [{"type": "drop", "rows": f"1-{dropped}"}], "data.held_out_share": 1 / 6}
    run = trained(**EXACT, **uneven)
    options = ScriptOptions(launcher="nodes", nodes=2, gpus_per_node=0)
    script, note, _ = Script().write(run, with_tiny, tmp_path / "first machine", options)
    first, _ = Script().steps(run, Exported(script))
    assert "nodes.sh" in note and first.commands == f"""bash '{script.parent / "nodes.sh"}' 0 "$(hostname)\""""
    shutil.copytree(script.parent, tmp_path / "second" / run.id)
    environment = bare_environment() | {"TRAIN_PYTHON": sys.executable, "TRAIN_PORT": str(free_port())}
    files = [script.parent / "nodes.sh", tmp_path / "second" / run.id / "nodes.sh"]

    def start(number):
        command = ["bash", str(files[number]), str(number), "127.0.0.1"]
        return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(start, (0, 1)))
    assert [each.returncode for each in done] == [0, 0], done[0].stderr[-2000:] + done[1].stderr[-2000:]
    steps, evaluations = losses_of(run)
    assert run.view().train_rows % 4, "the rows do not fill each batch"
    assert losses(script.parent) == pytest.approx(steps, rel=1e-5, abs=1e-6)
    assert losses(script.parent, "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6)
    assert (script.parent / "model" / "adapter_model.safetensors").is_file()
    assert sorted(os.listdir(files[1].parent)) == sorted(
        {*os.listdir(script.parent)} - {"model", "losses.jsonl", "checkpoints"}
    )
