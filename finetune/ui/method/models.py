"""The models to start from, and what to know about each before choosing it."""

from finetune.model import known_models, local_models
from finetune.ui import views
from finetune.ui.data.tokenizers import is_local
from finetune.ui.studio import Studio


def model_choices(studio: Studio) -> list[tuple[str, str]]:
    """The models to pick from: the starter, those in the workspace, and the open ones people use."""
    choices = [("Starter: small, ships with the studio", "starter")]
    choices += [(f"{name}: in your workspace", name) for name in local_models(studio.workspace)]
    return choices + [
        (f"{model.title}{', licence to accept' if model.gated else ''}", model.id) for model in known_models()
    ]


def describe_model(studio: Studio, model_id: str, run_id: str | None = None) -> str:
    """What to know about a model before choosing it: size, licence, needs, and whether it must be fetched.

    With ``run_id``, that it starts from what this earlier run has learnt.
    """
    parts = []
    earlier = studio.find_run(run_id)
    known = next((model for model in known_models() if model.id == model_id), None)
    if known:
        gate = "You must accept it on huggingface.co and be logged in." if known.gated else ""
        parts = [f"{known.id}: {views.parameters(known.parameters)}, {known.licence}.", gate, known.needs, known.note]
    if "/" in (model_id or "") and not is_local(model_id):
        parts.append("It is not on this machine yet and is fetched when the run starts.")
    if run_id:
        called = f"{views.run_number(earlier.id)} “{studio.view(earlier).name}”" if earlier else f"run {run_id}"
        parts.append(f"It starts from what {called} has learnt, until you empty “Run” under More settings.")
    return views.small(" ".join(part for part in parts if part))
