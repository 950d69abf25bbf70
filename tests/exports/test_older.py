"""What is exported, opened with Transformers 4.57 in an environment of its own: the same tokens as here."""

import json
import shutil
import subprocess
import sys

import pytest

from finetune.exports.adapter import Adapter
from finetune.exports.merged import Merged
from finetune.training.train import train
from tests import zoo
from tests.training.test_train import recipe

pytestmark = pytest.mark.heavy

OLDER = (
    "transformers==4.57.6",
    "tokenizers==0.22.2",
    "huggingface_hub==0.36.2",
    "requests",
    "urllib3",
    "idna",
    "certifi",
)
"""The last release of Transformers 4, which vLLM and others are built on, with what it needs beside the environment."""
FAMILIES = ("llama", "qwen2", "qwen3", "gemma3_text", "mistral", "phi3", "olmo2", "granite", "qwen3_moe", "gpt2")
CASES = [(family, form, "lora") for family in FAMILIES for form in (4, 5) if (family, form) != ("qwen3_moe", 5)]
CASES += [(family, form, "full") for family in ("qwen2", "gemma3_text") for form in (4, 5)]
ROPE_THETA = 1_000_000.0
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]

WRITE_BASE = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
new, old = sys.argv[1:]
AutoModelForCausalLM.from_pretrained(new, dtype="auto").save_pretrained(old)
AutoTokenizer.from_pretrained(new).save_pretrained(old)
"""
"""Writes a model as Transformers 4 does."""

ANSWER = """
import json, sys
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, base, question, version = sys.argv[1:]
assert transformers.__version__.startswith(version), transformers.__version__
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(base or folder, dtype=torch.float32)
if base:
    from peft import PeftModel
    model = PeftModel.from_pretrained(model, folder)
rendered = tokenizer.apply_chat_template(json.loads(question), tokenize=False, add_generation_prompt=True)
ids = tokenizer(rendered, return_tensors="pt", add_special_tokens=False)["input_ids"]
with torch.no_grad():
    logits = model.eval()(input_ids=ids).logits[0, -1, :20].tolist()
    answer = model.generate(input_ids=ids, max_new_tokens=16, do_sample=False)[0].tolist()
print(json.dumps({"tokens": answer, "text": tokenizer.decode(answer), "logits": logits}))
"""
"""The tokens of a question and of its answer, by plain libraries."""


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """Where Transformers 4.57 is installed."""
    folder = tmp_path_factory.mktemp("older")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, *OLDER], check=True)
    return folder


def python(code: str, *arguments, site="") -> str:
    """What ``code`` prints, with the packages in ``site`` before all others."""
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1] if done.stdout else ""


def answers(folder, older, base=""):
    """The same question answered by Transformers 4.57 and by the one that is installed."""
    return answer(folder, "4.57", base, older), answer(folder, "5", base)


def answer(folder, version, base="", site=""):
    return json.loads(python(ANSWER, folder, base, json.dumps(QUESTION), version, site=site))


@pytest.mark.parametrize(("family", "written_by", "kind"), CASES)
def test_an_export_answers_there_as_here(family, written_by, kind, older, workspace, tmp_path):
    base = _base(family, written_by, older, workspace.models_dir / "base")
    run = workspace.create(recipe(tmp_path, adapter=kind, **{"model.id": "base", "training.max_steps": 3}))
    with run.held():
        train(run, workspace)
    merged, _, _ = Merged().write(run, workspace, tmp_path / "out")
    there, here = answers(merged, older)
    _check_equal(there, here)
    assert there["logits"] != pytest.approx(answer(base, "5")["logits"], abs=1e-2)
    if kind == "lora" and written_by == 4:
        adapter, note, _ = Adapter().write(run, workspace, tmp_path / "out")
        there, here = answers(_unpacked(adapter), older, base)
        is_known_to_differ = "Transformers 4 loads the adapter without that part" in note
        assert is_known_to_differ == (there["logits"] != pytest.approx(here["logits"], abs=1e-3))
        assert is_known_to_differ or there["tokens"] == here["tokens"]


def _check_equal(there: dict, here: dict) -> None:
    assert there["logits"] == pytest.approx(here["logits"], abs=1e-3)
    assert (there["tokens"], there["text"]) == (here["tokens"], here["text"])


def _base(family, written_by, older, folder):
    """A tiny model as a version of Transformers writes it, with other positions than a config without them has."""
    zoo.write(family, folder)
    _change(folder / "config.json", _with_theta)
    if written_by == 4:
        newer = folder.rename(folder.with_name("newer"))
        _change(newer / "config.json", _in_older_keys)
        _change(newer / "tokenizer_config.json", lambda config: config.pop("extra_special_tokens", None))
        python(WRITE_BASE, newer, folder, site=older)
        shutil.rmtree(newer)
    return folder


def _change(path, change) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


def _with_theta(config: dict) -> None:
    rope = config.get("rope_parameters") or {}
    for number, part in enumerate([rope] if "rope_theta" in rope else rope.values()):
        part["rope_theta"] = ROPE_THETA / 10**number


def _in_older_keys(config: dict) -> None:
    rope = config.pop("rope_parameters", None) or {}
    if "full_attention" in rope:
        config["rope_theta"] = rope["full_attention"]["rope_theta"]
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    elif rope:
        config["rope_theta"] = rope["rope_theta"]
    if "num_local_experts" in config:
        config["num_experts"] = config.pop("num_local_experts")


def _unpacked(path):
    folder = path.with_suffix("")
    shutil.unpack_archive(path, folder)
    return next((each.parent for each in folder.rglob("adapter_config.json")), folder)
