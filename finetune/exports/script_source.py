"""The text of ``train.py``: the settings of a run on top, and the same trainer below.

The template is ``assets/train.py.txt``. Method and adapter add their own code (``Method.script``,
``Adapter.peft_arguments``), so a new one needs no edit here.
"""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from finetune.adapters import Adapter
from finetune.adapters.adapter import Call
from finetune.adapters.targets import freeze_towers
from finetune.exports.teacher import TAUGHT, TEACHER
from finetune.machine import hardware
from finetune.machine.attention import EAGER, FUSED
from finetune.machine.libraries import versions
from finetune.models.architecture import DEQUANTIZED, KEPT, Architecture
from finetune.models.continuation import trainable_adapter
from finetune.models.loading import keep_gradients
from finetune.paths import ASSETS
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.sweep import label
from finetune.training import trackers
from finetune.training.attempt import arguments
from finetune.training.defaults import Defaults

FRAME = ASSETS / "train.py.txt"

SUITED = (
    "exclude_modules",
    "target_modules",
    "feedforward_modules",
    "target_parameters",
    "rank_pattern",
    "alpha_pattern",
    "ensure_weight_tying",
)
"""What a saved adapter says of the layers that it has in its own model; only the first where PEFT takes all linear."""

REPEATED = ("ordered", "balance_routers", "EpochOrder", "suit_chunked_loss", "is_without_routers")
"""What of ``training.trainer`` the script repeats."""
OF_THE_MACHINE = ("bf16", "fp16", "use_cpu", "dataloader_pin_memory")
"""Arguments of the trainer that the script sets for the machine it runs on."""

CHOSEN = {
    "num_train_epochs": "training.epochs",
    "learning_rate": "training.learning_rate",
    "per_device_train_batch_size": "training.batch_size",
    "PRECISION": "training.precision",
}
"""The setting that a value in the script follows from, by its dotted path."""

STARTED = f"    model = {trainable_adapter.__name__}(model, options.data / START)\n"
"""How the script loads an earlier run's adapter."""

WORDS = {
    "MODEL": "a folder beside this script, or an id on the Hugging Face hub",
    "START": "the adapter of an earlier run, which is trained further",
    "TEACHER": "the model that is learned from: a folder beside this script, or an id on the Hugging Face hub",
    "EVALUATIONS": "evaluations on the held-out rows, beside the one at the start",
    "ARGUMENTS": "arguments of the trainer",
}


def source(
    run: Run, view: View, model: dict, defaults: Defaults, found: Architecture, whole: Sequence[str] = ()
) -> str:
    """The text of ``train.py`` for ``run``; ``model`` gives its MODEL, its REVISION, and START if it has one.

    ``found`` is the architecture of MODEL; ``whole`` are the layers that are not quantized, where they are others than
    Transformers' own choice.
    """
    recipe, continues, stored = run.as_trained, "START" in model, found.quantization
    method, adapter, chosen = recipe.method, recipe.adapter, _chosen(view)
    pack = defaults.pack and ("training.packing" not in chosen or chosen["training.packing"].value == "on")
    given = arguments(recipe, defaults, hardware.machine(), chosen["training.precision"].value)
    given = {name: value for name, value in given.items() if name not in OF_THE_MACHINE}
    quantization = _quantization(adapter, stored, whole)
    settings = {
        **model,
        "PRECISION": chosen["training.precision"].value,
        "ADAPTER": _adapter(run, adapter),
        "QUANTIZATION": quantization,
        "ATTENTION": EAGER if chosen["attention"].value == EAGER else FUSED,
        "EVALUATIONS": recipe.evaluation.times,
        "ARGUMENTS": {**given, **method.options(pack)},
    }
    words = WORDS | {name: f"{label(what)}: {chosen[what].reason}" for name, what in CHOSEN.items() if what in chosen}
    from finetune.training import trainer

    repeated = [inspect.getsource(getattr(trainer, name)) for name in REPEATED]
    after = [f"PADDING_ROW = {literal(method.padding_row)}\n", *repeated]
    in_4_bits = bool(adapter.quantization_arguments()) or stored == KEPT
    after += [inspect.getsource(keep_gradients)] if in_4_bits else []
    after += [inspect.getsource(trainable_adapter)] if continues else []
    freezes = found.reads_pictures and adapter.trains_base()
    if freezes:
        after.append(inspect.getsource(freeze_towers))
    calls = _calls(adapter, is_new=not continues)
    after += [inspect.getsource(call.function) for call in calls.values() if call]
    after += [TEACHER.lstrip()] if method.learns_from else []
    return Template(FRAME.read_text(encoding="utf-8")).substitute(
        metadata=metadata((view.versions or versions()) | trackers.versions(recipe.training.report_to), in_4_bits),
        run=run.id,
        method=method.engineer,
        adapter=adapter.engineer,
        imports=_imports(adapter, quantization, found.auto_class),
        auto_class=found.auto_class,
        settings="\n".join(_assignment(name, value, words) for name, value in settings.items()),
        loaded="    suit_chunked_loss(model)\n"
        + ("    keep_gradients(model)\n" if in_4_bits else "")
        + ("    freeze_towers(model)\n" if freezes else "")
        + _called(calls["loaded"], "model"),
        started=STARTED if continues else "",
        new_adapter="None" if continues else "ADAPTER",
        others=TAUGHT if method.learns_from else "",
        initialized=_called(calls["initialized"], "trainer.model, tokenizer") + _called(calls["beside"], "trainer"),
        finished=_called(calls["finished"], "trainer.model, folder"),
        trainer="\n\n".join([*after, method.script(pack).strip()]),
    )


def _calls(adapter: Adapter, is_new: bool) -> dict[str, Call | None]:
    """What ``adapter`` does beside PEFT, by the place in the script; only a new one gets first values."""
    return {
        "loaded": adapter.on_base(),
        "initialized": adapter.on_adapter() if is_new else None,
        "beside": adapter.on_trainer(),
        "finished": adapter.on_saved(),
    }


def _called(call: Call | None, given: str) -> str:
    """The line in which the script makes ``call`` with what is ``given``; empty if there is none."""
    if call is None:
        return ""
    arguments = "".join(f", {name}={literal(value)}" for name, value in call.arguments.items())
    return f"    {call.function.__name__}({given}{arguments})\n"


def metadata(versions: dict[str, str], in_4_bits: bool) -> str:
    """The header (PEP 723) with Python and the libraries, each pinned to its version in the run."""
    needed = {name: version for name, version in versions.items() if name != "bitsandbytes" or in_4_bits}
    # A local version such as 2.13.0+cpu is not on PyPI.
    pins = [f'#     "{name}=={version.partition("+")[0]}",' for name, version in needed.items()]
    return "\n".join(["# /// script", '# requires-python = ">=3.11"', "# dependencies = [", *pins, "# ]", "# ///"])


def literal(value: object) -> str:
    """``value`` (of JSON types) as Python source."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(name)}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


@dataclass(frozen=True)
class _Call:
    """A call in the script: its name and its keyword arguments."""

    name: str
    arguments: dict


def _quantization(adapter: Adapter, stored: str, whole: Sequence[str] = ()) -> _Call | None:
    """How Transformers quantizes the base, or computes weights ``stored`` in 8 or 4 bits back to 16."""
    if given := adapter.quantization_arguments():
        return _Call("BitsAndBytesConfig", given | ({"llm_int8_skip_modules": list(whole)} if whole else {}))
    return _Call(DEQUANTIZED[stored], {"dequantize": True}) if stored in DEQUANTIZED else None


def _adapter(run: Run, adapter: Adapter) -> _Call | None:
    """The PEFT configuration, with what suited it to the model of ``run``."""
    if adapter.peft_arguments() is None:
        return None
    name, given = adapter.peft_arguments()
    path = run.model_dir / "adapter_config.json"
    saved = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    is_all = given.get("target_modules") == "all-linear" and saved.get("target_parameters") is None
    suited = SUITED[:1] if is_all else SUITED
    found = {key: saved[key] for key in suited if saved.get(key)}
    return _Call(name, given | {key: sorted(each) if isinstance(each, list) else each for key, each in found.items()})


def _chosen(view: View) -> dict:
    return {choice.what: choice for choice in view.choices}


def _imports(adapter: Adapter, quantization: _Call | None, auto_class: str) -> str:
    module = adapter.code.rpartition(".")[2] or "peft"
    peft = [f"from {module} import {adapter.peft_arguments()[0]}"] if adapter.peft_arguments() else []
    first, peft = (peft, []) if adapter.code else ([], peft)
    quantized = [quantization.name] if quantization else []
    names = ["AutoConfig", auto_class, "AutoTokenizer", *quantized, "TrainerCallback", "set_seed"]
    return "\n".join(
        [
            "import pyarrow.parquet",
            "import torch",
            *first,
            "from datasets import Dataset",
            "from huggingface_hub import snapshot_download",
            *peft,
            "from torch.utils.data import Sampler",
            f"from transformers import {', '.join(names)}",
        ]
    )


def _assignment(name: str, value: object, words: dict[str, str]) -> str:
    """``NAME = value``, one entry per line, each under its comment in ``words`` if it has one."""
    lines = [f"# {words[name]}"] if name in words else []
    if isinstance(value, _Call):
        entries = [f"    {key}={literal(each)}," for key, each in value.arguments.items()]
        return "\n".join([*lines, f"{name} = {value.name}(", *entries, ")"])
    if not isinstance(value, dict):
        return "\n".join([*lines, f"{name} = {literal(value)}"])
    lines.append(f"{name} = {{")
    for key, each in value.items():
        lines += [f"    # {words[key]}"] if key in words else []
        lines.append(f"    {literal(key)}: {literal(each)},")
    return "\n".join([*lines, "}"])
