"""Base model and tokenizer in, tuned model out.

The one place that loads weights: from the shipped starter, a folder in the workspace, or the Hugging Face Hub.
Safetensors only; code that comes with a model is never run.
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
"""PEFT's name for the adapter that is trained; DPO adds a second one as its frozen reference."""
LIMITS = {"num_hidden_layers": 256, "hidden_size": 65536, "vocab_size": 1_048_576}
"""Largest values accepted in a config: far above any published model, far below what hangs the loader."""


@dataclass(frozen=True)
class KnownModel:
    """A well-known open model, from ``assets/models.yaml``."""

    id: str
    title: str
    parameters: int
    license: str
    gated: bool
    needs: str
    note: str = ""


def known_models() -> list[KnownModel]:
    """The models that the page offers."""
    return [KnownModel(**entry) for entry in yaml.safe_load((ASSETS / "models.yaml").read_text(encoding="utf-8"))]


def local_models(workspace: Workspace) -> list[str]:
    """The names of the model folders in the workspace."""
    return sorted(path.name for path in workspace.models_dir.iterdir() if (path / "config.json").is_file())


def locate(settings: ModelSettings, workspace: Workspace) -> Path:
    """The folder of the model on this machine, downloaded from the hub if needed; ``ModelError`` if that fails."""
    if settings.id == "starter":
        folder = STARTER
    elif (local := workspace.models_dir / settings.id).parent == workspace.models_dir and local.is_dir():
        folder = local
    elif HUB_ID.fullmatch(settings.id):
        folder = _download(settings)
    else:
        raise ModelError(
            f"There is no model {settings.id!r}.",
            f"Use `starter`, a Hugging Face id such as Qwen/Qwen3-0.6B, or a folder in {workspace.models_dir}.",
        )
    _require_safe(folder, settings.id)
    return folder


def load_config(settings: ModelSettings, workspace: Workspace):
    """The model's ``PretrainedConfig``, without its weights."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(locate(settings, workspace), local_files_only=True, trust_remote_code=False)


def load_tokenizer(settings: ModelSettings, workspace: Workspace):
    """The model's tokenizer; without a padding token it pads with its end token (the loss mask covers both)."""
    load_tokenizers()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        locate(settings, workspace), local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return with_chatml(tokenizer) if settings.chat_template == "chatml" else tokenizer


def load_base(settings: ModelSettings, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The base model on ``device``, in ``dtype`` (or in the adapter's quantization), in eval mode."""
    return load_weights(locate(settings, workspace), dtype, device, adapter.quantization())


def load_tuned(run: Run, workspace: Workspace, adapter: Adapter, dtype, device: str = "cpu"):
    """The tuned model of ``run``, to be trained further with ``adapter``; ``RunError`` if it has none."""
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
    """Copy the weights that are not quantized out of the memory-mapped files of ``model``, which frees the files.

    Such weights lie in the files' own pages. Even one of them keeps all pages of its file in memory, including those
    of the weights that were quantized (measured: 250 MB with 191 M parameters).
    """
    from bitsandbytes.nn import Params4bit

    for weight in model.parameters():
        if not isinstance(weight, Params4bit):
            weight.data = weight.data.clone()
    for buffer in model.buffers():
        buffer.data = buffer.data.clone()


def keep_gradients(model) -> None:
    """Keep 4-bit layers differentiable on CPUs with bf16 instructions.

    bitsandbytes repacks them on the first forward pass in eval mode, and the repacked path returns no gradient for
    the layer's input: LoRA's gradients then point elsewhere (cosine 0.23) while the loss still falls.
    """
    from bitsandbytes.nn import Linear4bit

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False


def save(model, tokenizer, run: Run, settings: ModelSettings, dtype=None, weights: dict | None = None) -> None:
    """Write the tuned model to the run directory, all or nothing: the adapter alone, or the full model in ``dtype``.

    ``weights`` is the gathered state dict where this process holds only a shard of the model (FSDP).
    """
    staging = run.path / ".model"
    shutil.rmtree(staging, ignore_errors=True)
    if hasattr(model, "peft_config"):
        # Without this flag PEFT asks the hub for the base's vocabulary at each save.
        model.save_pretrained(staging, save_embedding_layers=False, selected_adapters=[TRAINED], state_dict=weights)
        _name_base(staging / "adapter_config.json", settings)
        (staging / "README.md").unlink(missing_ok=True)
    else:
        (model.to(dtype) if dtype else model).save_pretrained(
            staging, state_dict=weights and _untied(model, weights, dtype)
        )
    tokenizer.save_pretrained(staging)
    for file in staging.iterdir():
        file.chmod(0o644)
    shutil.rmtree(run.model_dir, ignore_errors=True)
    staging.rename(run.model_dir)


def _untied(model, weights: dict, dtype) -> dict:
    """``weights`` in ``dtype``, tied weights once, as ``model`` would save them itself."""
    tied = tied_weights(model)
    return {name: weight.to(dtype) for name, weight in weights.items() if name not in tied}


def require_model(run: Run) -> Run:
    """``run``, if a tuned model can be read from it; ``RunError`` if not."""
    if not run.model_dir.is_dir() or not any(run.model_dir.glob("*.safetensors")):
        raise RunError(
            f"Run {run.id} has no tuned model yet.",
            "Choose a run that has finished, or that was stopped and kept its model.",
        )
    return run


def _name_base(path: Path, settings: ModelSettings) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = settings.id, settings.revision
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def _download(settings: ModelSettings) -> Path:
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
            f"{settings.id} requires you to accept its license first.",
            f"Accept it at https://huggingface.co/{settings.id} and log in with `hf auth login`.",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelError(
            f"There is no model {settings.id} on the hub, or it is private.", "Check the spelling."
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"{settings.id} is not on this machine and could not be downloaded ({type(error).__name__}).",
            "Connect to the internet, or choose the starter model, which needs no network.",
        ) from None


def _require_safe(folder: Path, name: str) -> None:
    """``ModelError`` unless the model in ``folder`` has safetensors, a sane config and no code of its own."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(f"The model {name} has no readable config.json.", "Choose another model.") from None
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The model {name} has no safetensors weights.",
            "Other formats can run code when they are loaded; choose another model.",
        )
    if "auto_map" in config:
        raise ModelError(
            f"The model {name} needs its own code, which is never run here.",
            "Choose a model that Transformers supports.",
        )
    if any("/" in str(value) for key, value in config.items() if key.endswith("attn_implementation")):
        raise ModelError(f"The model {name} loads code from another repository.", "Choose another model.")
    for key, limit in LIMITS.items():
        if isinstance(config.get(key), int) and config[key] > limit:
            raise ModelError(
                f"The model {name} claims {key} = {config[key]:,}.", "Its config.json is damaged or malicious."
            )
