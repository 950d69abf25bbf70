"""Where a model is: the shipped starter, a folder in the workspace, or a download from the Hugging Face Hub."""

from pathlib import Path

from finetune.errors import ModelError
from finetune.models.ceilings import require_sane
from finetune.models.download import find_cached, find_described, obtain
from finetune.models.files import read_config, require_files, weights_of
from finetune.models.inside import require_inside
from finetune.models.remote import HUB_ID
from finetune.models.vocabulary import require_sane_files
from finetune.paths import ASSETS
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace

STARTER = ASSETS / "starter"
"""The small model that ships with the product."""


def locate(settings: ModelSettings, workspace: Workspace) -> Path:
    """The folder of the model on this machine, downloaded from the hub if needed; ``ModelError`` if that fails."""
    is_remote = is_hub(settings, workspace)
    folder = obtain(settings) if is_remote else _local(settings, workspace)
    if not is_remote:
        require_inside(folder, settings.id)
    require_safe(folder, settings.id)
    return folder


def downloaded(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The model's folder if it is whole on this machine, without asking the network; else None."""
    return find_cached(settings) if is_hub(settings, workspace) else locate(settings, workspace)


def described(settings: ModelSettings, workspace: Workspace) -> Path:
    """A folder with the model's config and tokenizer, which are fetched from the Hub if needed; weights are not."""
    return find_described(settings) if is_hub(settings, workspace) else locate(settings, workspace)


def is_hub(settings: ModelSettings, workspace: Workspace) -> bool:
    """True if the model is one of the Hub, whether it is on this machine or not."""
    return settings.id != "starter" and _folder(settings, workspace) is None and bool(HUB_ID.fullmatch(settings.id))


def load_config(settings: ModelSettings, workspace: Workspace):
    """The model's ``PretrainedConfig``, without its weights."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(described(settings, workspace), local_files_only=True, trust_remote_code=False)


def _local(settings: ModelSettings, workspace: Workspace) -> Path:
    found = STARTER if settings.id == "starter" else _folder(settings, workspace)
    if found is None:
        raise ModelError(
            f"There is no model {settings.id!r}.",
            f"Use `starter`, a Hugging Face id such as Qwen/Qwen3-0.6B, or a folder in {workspace.models_dir}.",
        )
    return found


def _folder(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The folder of this name in the workspace; None if there is none."""
    folder = workspace.models_dir / settings.id
    is_name = settings.id not in (".", "..") and folder.parent == workspace.models_dir
    return folder if is_name and folder.is_dir() else None


def require_safe(folder: Path, name: str) -> None:
    """``ModelError`` unless the model in ``folder`` has whole safetensors, a tokenizer and a sane config."""
    config = read_config(folder, name)
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"The model {name} has an adapter beside its weights, which would be put on it unasked.",
            "Move its adapter_config.json out of the folder.",
        )
    require_sane_files(folder, name)
    require_files(folder, name)
    require_sane(config, name, weights_of(folder, name).tensors)
