"""The models to start from, and what to know about each before choosing it."""

import gradio as gr

from finetune.errors import ModelError
from finetune.format import size
from finetune.models.inspection import Inspection, inspect
from finetune.models.known import known_models, local_models
from finetune.models.locate import downloaded, is_hub
from finetune.models.preview import PATIENCE_S, Preview, preview
from finetune.models.preview import known as known_preview
from finetune.models.remote import Remote
from finetune.recipe import ModelSettings
from finetune.ui import views
from finetune.ui.studio import Studio

DTYPES = {"BF16": "bf16", "F16": "fp16", "F32": "fp32"}
"""What most weights are stored in: as safetensors names it, and as people do."""


def model_choices(studio: Studio) -> list[tuple[str, str]]:
    """The models to pick from: the starter, those in the workspace, and well-known open ones."""
    choices = [("Starter: small, ships with the studio", "starter")]
    choices += [(f"{name}: in your workspace", name) for name in local_models(studio.workspace)]
    return choices + [
        (f"{model.title}{', license to accept' if model.gated else ''}", model.id) for model in known_models()
    ]


def describe_model(
    studio: Studio, model_id: str, run_id: str | None = None, revision: str | None = None, patience_s: float = 0.0
) -> str:
    """What to know about a model before choosing it: size, license, download, memory, and why it cannot be trained.

    A model of the Hub that is not on this machine is inspected there for at most ``patience_s``; without that, what is
    known of it already is told. With ``run_id``, training continues from the tuned model of this earlier run.
    """
    settings = ModelSettings.model_construct(id=model_id or "", revision=revision or None)
    if model_id == "starter":
        parts = []
    elif _is_away(studio, settings):
        parts = _away(settings, preview(settings, patience_s) if patience_s else known_preview(settings))
    else:
        parts = _here(studio, settings)
    if run_id:
        earlier = studio.find_run(run_id)
        title = views.run_title(earlier.id, studio.view(earlier).name) if earlier else views.run_number(run_id)
        parts.append(f"It starts from the tuned model of {title}, until you clear “Run” under More settings.")
    return views.small(" ".join(part for part in parts if part))


def inspect_model(studio: Studio, model_id: str, run_id: str | None = None, revision: str | None = None) -> str:
    """The same of a model of the Hub, once it is inspected there; what is shown stays for any other."""
    if not _is_away(studio, ModelSettings.model_construct(id=model_id or "", revision=revision or None)):
        return gr.skip()
    return describe_model(studio, model_id, run_id, revision, PATIENCE_S)


def _is_away(studio: Studio, settings: ModelSettings) -> bool:
    """True for a model of the Hub that is not whole on this machine."""
    return is_hub(settings, studio.workspace) and downloaded(settings, studio.workspace) is None


def _here(studio: Studio, settings: ModelSettings) -> list[str]:
    """What the files of a model on this machine say of it."""
    try:
        folder = downloaded(settings, studio.workspace)
        return _about(settings.id, inspect(folder, settings.id))
    except ModelError as error:
        return [error.message, error.hint]


def _away(settings: ModelSettings, found: Preview | None) -> list[str]:
    """What the Hub says of a model that is not on this machine; ``found`` is None before it was asked."""
    if found is None:
        gated = any(model.gated for model in known_models() if model.id == settings.id)
        gate = "Accept its license on huggingface.co and log in there first." if gated else ""
        return [*_about(settings.id), gate, "It is not on this machine yet, and is being inspected on the Hub…"]
    parts = _about(settings.id, found.inspection, found.remote)
    if found.is_refused:
        return [*parts, found.problem.message, found.problem.hint]
    if found.problem:
        away = "It is not on this machine yet and could not be inspected; the run inspects it after the download."
        return [*parts, away, found.problem.message]
    access = "It is gated, and this machine has access." if found.remote.is_gated else ""
    download = sum(file.size for file in (*found.remote.small, *found.remote.weights))
    return [*parts, access, f"It is not on this machine yet: the run downloads {size(download)} when it starts."]


def _about(model_id: str, found: Inspection | None = None, remote: Remote | None = None) -> list[str]:
    """Its size, license and memory, and what the inspection noted."""
    known = next((model for model in known_models() if model.id == model_id), None)
    facts = [views.parameters(known.parameters)] if known else []
    if found and not found.architecture.quantization:
        dtype = DTYPES.get(found.weights.dtype, found.weights.dtype)
        facts = [f"{views.parameters(found.weights.elements)} in {dtype}"]
    if known:
        facts.append(known.license)
    elif remote and remote.license:
        facts.append(f"license {remote.license}")
    about = f"{model_id}: {', '.join(facts)}." if facts else ""
    return [about, *((known.needs, f"For {known.good_for}.") if known else ()), *(found.notes if found else ())]
