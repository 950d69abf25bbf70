"""The models to start from, and what to know about each before choosing it."""

from finetune.errors import ModelError
from finetune.models.known import known_models, local_models
from finetune.recipe import ModelSettings
from finetune.ui import views
from finetune.ui.data.tokenizers import is_local
from finetune.ui.studio import Studio


def model_choices(studio: Studio) -> list[tuple[str, str]]:
    """The models to pick from: the starter, those in the workspace, and well-known open ones."""
    choices = [("Starter: small, ships with the studio", "starter")]
    choices += [(f"{name}: in your workspace", name) for name in local_models(studio.workspace)]
    return choices + [
        (f"{model.title}{', license to accept' if model.gated else ''}", model.id) for model in known_models()
    ]


def describe_model(studio: Studio, model_id: str, run_id: str | None = None) -> str:
    """What to know about a model before choosing it: size, license, memory, and whether it must be downloaded.

    With ``run_id``, that training continues from the tuned model of this earlier run.
    """
    parts = []
    known = next((model for model in known_models() if model.id == model_id), None)
    if known:
        gate = "Accept its license on huggingface.co and log in there first." if known.gated else ""
        what = f"{known.id}: {views.parameters(known.parameters)}, {known.license}. For {known.good_for}."
        parts = [what, gate, known.needs]
    if not is_local(model_id):
        parts.append("It is not on this machine yet; the run downloads it when it starts.")
    elif model_id != "starter":
        parts += _inspected(studio, model_id)
    if run_id:
        earlier = studio.find_run(run_id)
        title = views.run_title(earlier.id, studio.view(earlier).name) if earlier else views.run_number(run_id)
        parts.append(f"It starts from the tuned model of {title}, until you clear “Run” under More settings.")
    return views.small(" ".join(part for part in parts if part))


def _inspected(studio: Studio, model_id: str) -> list[str]:
    """What the files of a model on this machine say of it, or why it cannot be trained."""
    from finetune.models.inspection import inspect_downloaded

    try:
        found = inspect_downloaded(ModelSettings(id=model_id), studio.workspace)
        return [*found.notes] if found else []
    except ModelError as error:
        return [error.message, error.hint]
