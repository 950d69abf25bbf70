"""What to do next: the commands name what was written, and work in a shell."""

import shlex
import subprocess
from pathlib import Path

from finetune.exports import TARGETS
from finetune.exports.target import Exported


def told(name, run, path):
    return {step.title: step.commands for step in TARGETS[name].steps(run, Exported(Path(path)))}


def test_an_adapter_is_unpacked_loaded_and_served(finished, tmp_path):
    path, _, _ = TARGETS["adapter"].write(finished, None, tmp_path / "my exports")
    steps = told("adapter", finished, path)
    subprocess.run(["bash", "-ec", steps["Unpack it"]], check=True, stdout=subprocess.DEVNULL)
    assert (path.parent / finished.id / "model" / "adapter_config.json").is_file()
    assert "PeftModel.from_pretrained" in steps["Load it in Python"]


def test_a_merged_model_needs_no_base(finished):
    steps = told("merged", finished, "/out/my run-merged")
    assert shlex.split(steps["Serve it to many (vLLM)"], comments=True) == ["vllm", "serve", "/out/my run-merged"]
    assert "peft" not in steps["Load it in Python"]
    assert steps["Ask it from other programs (OpenAI’s API)"] == "python -m finetune serve 1"
