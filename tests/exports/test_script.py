"""A run as one script: it repeats the run without this package, and states exactly what it needs."""

import json
import os
import subprocess
import sys
from functools import partial
from itertools import product

import pytest

from finetune.adapters import ADAPTERS
from finetune.errors import RunError
from finetune.exports.script import Script, ScriptOptions, _require_shared
from finetune.methods import METHODS
from finetune.recipe import Recipe
from tests import pairs
from tests.training.test_train import recipe, write_rows

LEAVING = [name for name, method in METHODS.items() if method.leaves_as_script]
"""The methods that leave as a script."""
QUICK = {("sft", "lora"), ("dpo", "full"), ("kto", "prefix"), ("orpo", "full")}
"""Each method and each adapter once."""
PAIRS = [
    pytest.param(*pair, marks=[] if pair in QUICK else [pytest.mark.heavy])
    for pair in product(LEAVING, ADAPTERS)
    if pairs.suits(*pair)
]
FURTHER = [
    pytest.param(*pair, marks=[] if pair == ("sft", "lora") else [pytest.mark.heavy])
    for pair in (("sft", "lora"), ("dpo", "lora"), ("sft", "prefix"), ("sft", "full"))
]
EXACT = {"training.precision": "fp32"}
"""On one CPU in fp32 two runs of one recipe are equal bit for bit."""


def bare_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


def launch(script, *words, processes=1):
    """Run the script from another folder, where it cannot import this project."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else []), script, *words]
    return subprocess.run(command, cwd=script.anchor, env=bare_environment(), capture_output=True, text=True)


def losses(folder, name="loss") -> dict[int, float]:
    lines = (folder / "losses.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["step"]: line[name] for line in map(json.loads, lines) if name in line}


def losses_of(run) -> tuple[dict, dict]:
    view = run.view()
    return {step.step: step.loss for step in view.steps}, {each.step: each.loss for each in view.evaluations}


def weights(folder) -> dict:
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


def test_a_bare_python_does_not_know_this_package():
    done = subprocess.run(
        [sys.executable, "-c", "import finetune"], cwd="/", env=bare_environment(), capture_output=True, text=True
    )
    assert "No module named 'finetune'" in done.stderr


@pytest.mark.parametrize(("method", "adapter"), PAIRS)
def test_the_script_repeats_the_run(method, adapter, trained, with_tiny, tmp_path):
    import torch

    run = trained(method=method, adapter=adapter, **EXACT, **({"adapter.dropout": 0.1} if adapter == "lora" else {}))
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out")
    done = launch(script)
    assert done.returncode == 0, done.stderr
    steps, evaluations = losses_of(run)
    assert losses(script.parent) == pytest.approx(steps, rel=1e-5, abs=1e-6) and len(steps) == 8
    assert (
        losses(script.parent, "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6) and len(evaluations) == 3
    )
    assert not [path for path in (script.parent / "model").iterdir() if path.suffix in (".bin", ".pt")]
    again, before = weights(script.parent / "model"), weights(run.model_dir)
    assert again.keys() == before.keys()
    for (
        name
    ) in before:  # the script computes the full cross-entropy: sums may differ in their last bit, weights in bf16's
        torch.testing.assert_close(again[name], before[name], rtol=2**-7, atol=1e-6)


VARIANTS = {
    "pissa": {"adapter.init": "pissa", "adapter.rank": 4, "adapter.rslora": True},
    "b_rate": {"adapter.b_rate": 8.0},
    "dora": {"adapter.dora": True, "adapter.target_modules": "attention"},
    "embeddings": {"adapter.modules_to_save": "embed_tokens, lm_head", "adapter.target_modules": "q_proj"},
}


@pytest.mark.heavy
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_script_repeats_a_run_with_a_variant_of_lora(variant, trained, with_tiny, tmp_path):
    test_the_script_repeats_the_run("sft", "lora", partial(trained, **VARIANTS[variant]), with_tiny, tmp_path)
    assert any((tmp_path / "out").rglob("model/adapter_model.safetensors"))


SETTINGS = {
    "sft": {"method.neftune_noise_alpha": 5, "method.loss_type": "dft"},
    "dpo": {"method.loss_type": "robust", "method.label_smoothing": 0.3, "method.sft_weight": 0.5},
    "cpo": {"method.loss_type": "ipo", "method.sft_weight": 0.5},
}
"""Settings of a method that are not its defaults."""


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=[] if name == "dpo" else [pytest.mark.heavy]) for name in SETTINGS]
)
def test_the_script_has_the_settings_of_the_method(method, trained, with_tiny, tmp_path):
    run = trained(method=method, **EXACT, **SETTINGS[method], **{"training.max_steps": 4})
    plain = trained(method=method, **EXACT, **{"training.max_steps": 4})
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out")
    done = launch(script)
    assert done.returncode == 0, done.stderr
    steps, evaluations = losses_of(run)
    assert losses(script.parent) == pytest.approx(steps, rel=1e-5, abs=1e-6)
    assert losses(script.parent, "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6)
    assert losses_of(plain)[0] != pytest.approx(steps, rel=1e-3), "the settings change something"


@pytest.mark.parametrize(("method", "adapter"), FURTHER)
def test_a_run_that_trains_an_earlier_one_further_starts_there_in_the_script_too(
    method, adapter, trained, with_tiny, tmp_path
):
    rate = {"training.learning_rate": 0.3 if adapter == "prefix" else 5e-3}
    first = trained(adapter=adapter, **EXACT, **rate)
    second = trained(adapter=adapter, **EXACT, **rate, **{"model.run": first.id, "training.seed": 8})
    run = trained(method=method, adapter=adapter, **EXACT, **{"model.run": second.id, "training.max_steps": 3})
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out")
    done = launch(script)
    assert done.returncode == 0, done.stderr
    steps, evaluations = losses_of(run)
    assert losses(script.parent) == pytest.approx(steps, rel=1e-5, abs=1e-6) and len(steps) == 3
    assert losses(script.parent, "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6)
    again, before = weights(script.parent / "model"), weights(run.model_dir)
    assert again.keys() == before.keys()
    assert (script.parent / "base").exists() == (adapter != "full")


def test_packed_rows_stay_packed(trained, with_tiny, tmp_path):
    path = tmp_path / "uneven.jsonl"
    rows = [{"prompt": f"Count to {n}.", "completion": "one " * (1 + n % 9)} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run = trained(**EXACT, **{"data.path": str(path), "training.batch_size": 8})
    assert {choice.what: choice.value for choice in run.view().choices}["training.packing"] == "on"
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out")
    assert "class PackedCollator:" in script.read_text(encoding="utf-8")
    done = launch(script, "--to", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "elsewhere") == pytest.approx(losses_of(run)[0], abs=1e-6)
    config = json.loads((tmp_path / "elsewhere" / "model" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base"
    assert {path.name for path in script.parent.iterdir()} == {
        "train.py", "recipe.yaml", "train.parquet", "held-out.parquet", "tokenizer", "base",
    }  # fmt: skip
    assert Recipe.load(script.parent / "recipe.yaml") == run.recipe


@pytest.mark.heavy
@pytest.mark.parametrize("method", LEAVING)
def test_two_processes_train_the_same_model_as_one(method, trained, with_tiny, tmp_path):
    # 19 training rows, so that batches of 4 leave one process more of them than the other at the end of an epoch.
    drop = {"data.fixes": [{"type": "drop", "rows": "1"}]}
    run = trained(method=method, **EXACT, **drop, **{"data.held_out_share": 1 / 6})
    assert run.view().train_rows % 4 == 3 and run.view().step > run.view().train_rows / 4
    script, _, _ = Script().write(run, with_tiny, tmp_path / "out")
    done = launch(script, processes=2)
    assert done.returncode == 0, done.stderr
    steps, evaluations = losses_of(run)
    # The processes add their parts of each sum in another order: only rounding separates them from one process.
    assert losses(script.parent) == pytest.approx(steps, rel=1e-5, abs=1e-6)
    assert losses(script.parent, "eval_loss") == pytest.approx(evaluations, rel=1e-5, abs=1e-6)
    assert (script.parent / "model" / "adapter_model.safetensors").is_file()


@pytest.mark.heavy
def test_processes_that_do_not_train_together_are_refused(trained, with_tiny, tmp_path):
    script, _, _ = Script().write(trained(**EXACT), with_tiny, tmp_path / "out")
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace('"use_cpu": device() == "cpu"', '"use_cpu": False'), encoding="utf-8")
    done = launch(script, processes=2)
    assert done.returncode != 0 and "Distributed training: 2 processes were started, but 1 take part." in done.stderr
    assert not (script.parent / "losses.jsonl").exists()


def test_a_model_of_the_hub_is_named_with_its_commit(trained, with_tiny, tiny_model, tmp_path, monkeypatch):
    cached, commit = tmp_path / "models--owner--tiny", "0123abcd" * 5
    (cached / "snapshots").mkdir(parents=True)
    (cached / "snapshots" / commit).symlink_to(tiny_model)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    script, _, _ = Script().write(trained(**EXACT, **{"model.id": "owner/tiny"}), with_tiny, tmp_path / "out")
    assert 'MODEL = "owner/tiny"\nREVISION = "' + commit + '"\n' in script.read_text(encoding="utf-8")
    assert not (script.parent / "base").exists() and (script.parent / "tokenizer" / "tokenizer.json").is_file()


def test_a_run_that_has_not_trained_is_refused(with_tiny, tmp_path):
    with pytest.raises(RunError, match="has not trained yet"):
        Script().write(with_tiny.create(recipe(tmp_path)), with_tiny, tmp_path / "out")


def test_rows_that_changed_since_are_refused(trained, with_tiny, tmp_path):
    run = trained(**EXACT)
    path = write_rows(tmp_path)
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-4]), encoding="utf-8")
    with pytest.raises(RunError, match=r"has changed since: it trained on 22 rows .* and the data now has 18 rows"):
        Script().write(run, with_tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(trained, with_tiny, tmp_path):
    run = trained(**EXACT)
    Script().write(run, with_tiny, tmp_path)
    with pytest.raises(RunError, match="already exists"):
        Script().write(run, with_tiny, tmp_path)


def test_a_method_that_needs_this_program_does_not_leave_as_a_script(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path, "grpo"))
    with pytest.raises(RunError, match="cannot leave as a script: a part of it is Finetune Studio's own"):
        Script().write(run, with_tiny, tmp_path / "out")


@pytest.mark.parametrize("options", [{"nodes": 3}, {"nodes": 2, "gpus_per_node": 4}])
def test_processes_that_cannot_share_a_batch_are_refused(options):
    job = ScriptOptions(launcher="slurm", **options).job("001-a")
    with pytest.raises(RunError, match=f"A batch of 20 sequences .* among {job.processes} processes"):
        _require_shared(job, 20)
    _require_shared(job, 24)
