"""The text of ``train.py``: tidy, its settings on top, its libraries pinned."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.metadata import version

import pytest

from finetune.adapters import ADAPTERS
from finetune.exports.script import Script
from finetune.exports.script_source import _quantization, source
from finetune.methods import METHODS
from finetune.models.architecture import PICTURES_TOO, Architecture
from finetune.paths import PROJECT
from finetune.runs import events
from finetune.training.defaults import Defaults
from tests import pairs
from tests.exports.test_script import EXACT, LEAVING
from tests.pairs import SETTINGS as NEEDED
from tests.training.test_train import recipe

QWEN2 = Architecture("qwen2")


@pytest.fixture
def text_of(workspace, tmp_path):
    """Writes the script of a method with an adapter, without training."""

    def write(method="sft", adapter="lora", pack=False, continues=False, attention="sdpa", found=QWEN2, **settings):
        run = workspace.create(recipe(tmp_path, method, adapter, **settings))
        run.emit(
            events.Started(device="CPU", versions={"torch": "2.13.0+cpu", "trl": "1.16.0", "bitsandbytes": "0.50.2"})
        )
        for what, value in (("training.precision", "bf16"), ("attention", attention), ("training.epochs", "3")):
            run.emit(events.Chose(what=what, value=value, reason=f"a good {what}"))
        settled = Defaults(epochs=3, learning_rate=0.002, batch_size=8, micro_batch=4, pack=pack, choices=())
        model = {"MODEL": "owner/name", "REVISION": "abc"} | ({"START": "start"} if continues else {})
        if METHODS[method](**NEEDED.get(method, {})).learns_from:
            model |= {"TEACHER": "teacher", "TEACHER_REVISION": None}
        return source(run, run.view(), model, settled, found)

    return write


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize(("method", "adapter"), [pair for pair in pairs.PAIRS if pair.values[0] in LEAVING])
def test_it_is_tidy_and_imports_nothing_of_this_package(method, adapter, pack, text_of):
    text = text_of(
        method,
        adapter,
        pack and METHODS[method].packs,
        continues=pack and ADAPTERS[adapter].continues and not ADAPTERS[adapter]().trains_base(),
    )
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", PROJECT / "train.py", "-"]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, cwd=PROJECT)
        assert done.returncode == 0, done.stdout + done.stderr
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.split(".")[0] == "finetune"]


def test_layers_that_stay_whole_are_named_in_the_script():
    given = _quantization(ADAPTERS["qlora"](), "", ["lm_head", "mixer.dt_proj"]).arguments
    assert given["llm_int8_skip_modules"] == ["lm_head", "mixer.dt_proj"]
    assert "llm_int8_skip_modules" not in _quantization(ADAPTERS["qlora"](), "").arguments


def test_the_base_is_loaded_as_its_weights_are_stored(text_of):
    assert "QUANTIZATION = None" in text_of() and 'ATTENTION = "sdpa"' in text_of(attention="sdpa_short_in_fp32")
    assert 'ATTENTION = "eager"' in text_of(attention="eager")
    fp8 = text_of(found=Architecture("qwen2", "fp8"))
    assert "FineGrainedFP8Config(\n    dequantize=True,\n)" in fp8 and "FineGrainedFP8Config, TrainerCallback" in fp8
    kept = text_of(found=Architecture("qwen2", "bitsandbytes_4bit"))
    assert "QUANTIZATION = None" in kept and "    keep_gradients(model)" in kept and "bitsandbytes==0.50.2" in kept


def test_a_model_that_reads_pictures_is_loaded_whole_and_its_towers_stay_frozen(text_of):
    found = replace(QWEN2, auto_class=PICTURES_TOO, reads_pictures=True)
    whole = text_of(found=found)
    assert "model = AutoModelForImageTextToText.from_pretrained(" in whole and "AutoModelForCausalLM" not in whole
    assert "freeze_towers" not in whole, "an adapter leaves all but itself frozen"
    full = text_of(adapter="full", found=found)
    assert "    freeze_towers(model)\n" in full and "def freeze_towers(model)" in full
    assert "freeze_towers" not in text_of(adapter="full")


def header(text: str) -> dict:
    """The metadata, read as in PEP 723's reference implementation."""
    block = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
    (match,) = [match for match in re.finditer(block, text) if match["type"] == "script"]
    lines = match["content"].splitlines(keepends=True)
    return tomllib.loads("".join(line[2:] if line.startswith("# ") else line[1:] for line in lines))


def test_its_header_pins_the_libraries_of_the_run(text_of, trained, with_tiny, tmp_path):
    assert header(text_of())["dependencies"] == ["torch==2.13.0", "trl==1.16.0"]
    assert header(text_of(adapter="qlora"))["dependencies"][-1] == "bitsandbytes==0.50.2"
    assert header(text_of())["requires-python"] == ">=3.11"
    script, _, _ = Script().write(trained(**EXACT), with_tiny, tmp_path / "out")
    names = ("torch", "transformers", "peft", "trl", "datasets", "accelerate")
    pins = {f"{name}=={version(name).split('+')[0]}" for name in names}
    assert set(header(script.read_text(encoding="utf-8"))["dependencies"]) == pins


def test_it_reports_to_the_trackers_of_the_run_and_to_none_without(text_of):
    pytest.importorskip("tensorboard")
    assert '"report_to": "none",' in text_of() and "tensorboard" not in text_of()
    text = text_of(**{"training.report_to": ["tensorboard"]})
    assert '"report_to": ["tensorboard"],' in text and '"trackio_static_space_id": False,' in text
    assert f"tensorboard=={version('tensorboard')}" in header(text)["dependencies"]


def test_the_settings_are_on_top_with_their_reasons(text_of):
    text = text_of("dpo", "qlora", **{"method.beta": 0.3, "adapter.rank": 8})
    top, _ = text.split("# Nothing below")
    assert '\nMODEL = "owner/name"\nREVISION = "abc"\n' in top
    assert '# precision: a good training.precision\nPRECISION = "bf16"\n' in top
    assert '    # epochs: a good training.epochs\n    "num_train_epochs": 3,\n' in top
    for setting in ("r=8,", '"beta": 0.3,', '"learning_rate": 0.002,', "load_in_4bit=True,", '"seed": 7,'):
        assert setting in top


@pytest.mark.parametrize(
    ("processes", "micro_batch", "accumulation", "given"),
    [("1", 8, 2, (8, 2)), ("2", 8, 1, (8, 1)), ("8", 1, 16, (8, 2)), ("4", 6, 2, (12, 1)), ("3", 8, 3, (24, 1))],
)
def test_the_batch_size_is_the_same_in_several_processes(processes, micro_batch, accumulation, given, text_of, divide):
    arguments = divide(processes, text_of(), micro_batch, accumulation)
    assert (arguments["per_device_train_batch_size"], arguments["gradient_accumulation_steps"]) == given
    assert arguments["accelerator_config"] == {"split_batches": True}
    assert arguments["per_device_train_batch_size"] <= micro_batch * int(processes)
    assert arguments["per_device_eval_batch_size"] % int(processes) == 0


def test_a_batch_that_does_not_divide_is_refused(text_of, divide):
    with pytest.raises(SystemExit, match="A batch of 8 sequences cannot be split equally among 3 processes"):
        divide("3", text_of(), 8, 1)


@pytest.fixture
def divide(monkeypatch, tmp_path):
    def call(processes, text, micro_batch, accumulation):
        path = tmp_path / "train.py"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("WORLD_SIZE", processes)
        given = {"per_device_train_batch_size": micro_batch, "per_device_eval_batch_size": micro_batch}
        return runpy.run_path(str(path))["divided"](given | {"gradient_accumulation_steps": accumulation})

    return call
