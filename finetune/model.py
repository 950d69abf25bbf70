"""Base model and tokenizer in, tuned model back.

The one place that loads weights: from the shipped starter, a folder in the workspace, or the Hugging Face
hub. Safetensors only; code that comes with a model is never run.
"""

import json
import re
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import yaml

from finetune.adapters import Adapter
from finetune.compat import tied_weights
from finetune.data.tokens import with_chatml
from finetune.errors import ModelError, RunError
from finetune.machine.libraries import load_tokenizers
from finetune.machine.malloc import large_blocks_apart
from finetune.paths import ASSETS
from finetune.recipe import ModelSettings
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

STARTER = ASSETS / "starter"
"""The small model that ships with the product."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "tokenizer*", "*.txt", "README.md", "LICENSE*"]
TRAINED = "default"
"""PEFT's name for the add-on that is trained; DPO puts a second one beside it, as what it is compared with."""
LIMITS = {"num_hidden_layers": 256, "hidden_size": 65536, "vocab_size": 1_048_576}
"""Largest values a config may claim: far above any published model, far below what hangs the loader."""


@dataclass(frozen=True)
class KnownModel:
    """An open model that people use, from ``assets/models.yaml``."""

    id: str
    title: str
    parameters: int
    licence: str
    gated: bool
    needs: str
    note: str = ""


def known_models() -> list[KnownModel]:
    """The short list that the page offers."""
    return [KnownModel(**entry) for entry in yaml.safe_load((ASSETS / "models.yaml").read_text(encoding="utf-8"))]


def local_models(workspace: Workspace) -> list[str]:
    """The names of the model folders in the workspace."""
    return sorted(path.name for path in workspace.models_dir.iterdir() if (path / "config.json").is_file())


def locate(settings: ModelSettings, workspace: Workspace) -> Path:
    """The folder of the model on this machine, fetched from the hub if need be; ``ModelError`` if it cannot be had."""
    if settings.id == "starter":
        folder = STARTER
    elif (local := workspace.models_dir / settings.id).parent == workspace.models_dir and local.is_dir():
        folder = local
    elif HUB_ID.fullmatch(settings.id):
        folder = _fetch(settings)
    else:
        raise ModelError(
            f"There is no model {settings.id!r}.",
            f"Use `starter`, a Hugging Face id such as Qwen/Qwen3-0.6B, or put a folder in {workspace.models_dir}.",
        )
    _check(folder, settings.id)
    return folder


def load_config(settings: ModelSettings, workspace: Workspace):
    """The model's ``PretrainedConfig``, without its weights."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(locate(settings, workspace), local_files_only=True, trust_remote_code=False)


def load_tokenizer(settings: ModelSettings, workspace: Workspace):
    """The model's tokenizer; where it has no padding token, its end token pads (labels mask it either way)."""
    load_tokenizers()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        locate(settings, workspace), local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return with_chatml(tokenizer) if settings.chat_template == "chatml" else tokenizer


def load_base(settings: ModelSettings, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The untouched base on ``device``, in ``dtype`` (or the adapter's quantization), in eval mode."""
    return load_weights(locate(settings, workspace), dtype, device, adapter.quantization())


def load_tuned(run: Run, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The tuned model of ``run``, to be trained further as ``adapter`` says; ``RunError`` if it has none."""
    require_model(run)
    if adapter.trains_base():
        return load_weights(run.model_dir, dtype, device)
    from peft import PeftModel

    base = load_base(run.recipe.model, workspace, adapter, dtype, device)
    return PeftModel.from_pretrained(base, run.model_dir, is_trainable=True)


def load_weights(folder: Path, dtype, device: str, quantization=None):
    """The causal language model in ``folder``, on ``device``, in eval mode."""
    if quantization is None:
        return _read(folder, dtype, device).eval()
    with large_blocks_apart() if device == "cpu" else nullcontext():
        model = _read(folder, dtype, device, quantization)
        if device == "cpu":
            leave_files(model)
    keep_gradients(model)
    return model.eval()


def _read(folder: Path, dtype, device: str, quantization=None):
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": device},
            quantization_config=quantization,
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (ValueError, OSError) as error:
        raise ModelError(f"The model in {folder.name} cannot be loaded: {error}") from error


def leave_files(model) -> None:
    """Copy the weights that are not compressed out of the files of ``model``, which are given up then.

    They lie in the files' own pages, and one of them keeps all pages of its file in memory, also those of the weights
    that were compressed out of it (measured: 250 MB with 191 M parameters).
    """
    from bitsandbytes.nn import Params4bit

    for weight in model.parameters():
        if not isinstance(weight, Params4bit):
            weight.data = weight.data.clone()
    for buffer in model.buffers():
        buffer.data = buffer.data.clone()


def keep_gradients(model) -> None:
    """Keep 4-bit layers differentiable on processors with bf16 instructions.

    bitsandbytes repacks them on the first forward in eval mode, and the repacked path returns no gradient to
    the layer's input: LoRA's gradients then point elsewhere (cosine 0.23) while the loss still falls.
    """
    from bitsandbytes.nn import Linear4bit

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False


def save(model, tokenizer, run: Run, settings: ModelSettings, dtype=None, weights: dict | None = None) -> None:
    """Write the tuned model (a whole one in ``dtype``, or the adapter alone) to the run directory, all or nothing.

    ``weights`` are its state where the model in this process holds only a part of it (FSDP).
    """
    staging = run.path / ".model"
    shutil.rmtree(staging, ignore_errors=True)
    if hasattr(model, "peft_config"):
        # Without the flag PEFT asks the hub about the base's vocabulary at each save.
        model.save_pretrained(staging, save_embedding_layers=False, selected_adapters=[TRAINED], state_dict=weights)
        _name_base(staging / "adapter_config.json", settings)
        (staging / "README.md").unlink(missing_ok=True)
    else:
        (model.to(dtype) if dtype else model).save_pretrained(
            staging, state_dict=weights and _whole(model, weights, dtype)
        )
    tokenizer.save_pretrained(staging)
    for file in staging.iterdir():
        file.chmod(0o644)
    shutil.rmtree(run.model_dir, ignore_errors=True)
    staging.rename(run.model_dir)


def _whole(model, weights: dict, dtype) -> dict:
    """``weights`` in ``dtype``, those that ``model`` has under two names once, as it would save them itself."""
    tied = tied_weights(model)
    return {name: weight.to(dtype) for name, weight in weights.items() if name not in tied}


def require_model(run: Run) -> Run:
    """``run``, if a tuned model can be read from it; ``RunError`` if not."""
    if not run.model_dir.is_dir() or not any(run.model_dir.glob("*.safetensors")):
        raise RunError(
            f"Run {run.id} has no tuned model yet.",
            "Choose a run that has finished, or was stopped with its model kept.",
        )
    return run


def _name_base(path: Path, settings: ModelSettings) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = settings.id, settings.revision
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def _fetch(settings: ModelSettings) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(settings.id, revision=settings.revision, allow_patterns=WANTED))
    except GatedRepoError:
        raise ModelError(
            f"{settings.id} asks you to accept its licence first.",
            f"Accept it at https://huggingface.co/{settings.id} and log in with `hf auth login`.",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelError(
            f"There is no model {settings.id} on the hub, or it is private.", "Check the spelling."
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"{settings.id} is not on this machine and could not be fetched ({type(error).__name__}).",
            "Connect to the internet, or choose the starter model, which needs no network.",
        ) from None


def _check(folder: Path, name: str) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(f"The model {name} has no readable config.json.", "Choose another model.") from None
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The model {name} has no safetensors weights.",
            "Other formats can run code when opened; choose another model.",
        )
    if "auto_map" in config:
        raise ModelError(
            f"The model {name} needs code of its own, which is never run here.",
            "Choose a model that Transformers supports.",
        )
    if any("/" in str(value) for key, value in config.items() if key.endswith("attn_implementation")):
        raise ModelError(f"The model {name} asks for code from elsewhere.", "Choose another model.")
    for key, limit in LIMITS.items():
        if isinstance(config.get(key), int) and config[key] > limit:
            raise ModelError(
                f"The model {name} claims {key} = {config[key]:,}.", "Its config.json is damaged or hostile."
            )
