"""Where a model is: the shipped starter, a folder in the workspace, or a download from the Hugging Face Hub."""

import re
from pathlib import Path

from finetune.errors import ModelError
from finetune.models.files import has_weights, read_config, require_files
from finetune.paths import ASSETS
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace

STARTER = ASSETS / "starter"
"""The small model that ships with the product."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "tokenizer*", "*.txt", "README.md", "LICENSE*"]
"""The files that a download takes, by pattern."""
UNWANTED = ["*/*", "consolidated*", "*.fp16.safetensors", "*.fp32.safetensors", "model.onnx*"]
"""Those of them that it leaves: the same weights once more, in folders and formats of other programs."""
LIMITS = {"num_hidden_layers": 256, "hidden_size": 65536, "vocab_size": 1_048_576}
"""Largest values accepted in a config: far above any published model, far below what hangs the loader."""


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


def on_this_machine(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The model's folder if it is on this machine, without asking the network."""
    if not HUB_ID.fullmatch(settings.id):
        return locate(settings, workspace)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(settings.id, "config.json", revision=settings.revision)
    return Path(found).parent if isinstance(found, str) else None


def downloaded(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The model's folder if it is whole on this machine; None for a model of the Hub that is not, or only in part."""
    folder = on_this_machine(settings, workspace)
    if folder and HUB_ID.fullmatch(settings.id) and not has_weights(folder):
        return None
    return folder


def load_config(settings: ModelSettings, workspace: Workspace):
    """The model's ``PretrainedConfig``, without its weights."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(locate(settings, workspace), local_files_only=True, trust_remote_code=False)


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
        return Path(
            snapshot_download(settings.id, revision=settings.revision, allow_patterns=WANTED, ignore_patterns=UNWANTED)
        )
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
    """``ModelError`` unless the model in ``folder`` has whole safetensors, a tokenizer and a sane config."""
    config = read_config(folder, name)
    require_files(folder, name)
    if any("/" in str(value) for key, value in config.items() if key.endswith("attn_implementation")):
        raise ModelError(f"The model {name} loads code from another repository.", "Choose another model.")
    for key, limit in LIMITS.items():
        if isinstance(config.get(key), int) and config[key] > limit:
            raise ModelError(
                f"The model {name} claims {key} = {config[key]:,}.", "Its config.json is damaged or malicious."
            )
