"""The model card of an export: what the model is, how it was trained, and how to load it."""

from pathlib import Path

from finetune.models.usage import saved_json, usage
from finetune.runs.run import Run

EXPERTS = (
    "A part of this adapter is for experts, which Transformers 5 keeps as one tensor. Transformers 4 loads the adapter "
    "without that part and says nothing: for programs that are built on it, export the merged model."
)


def card(run: Run, merged: str = "") -> str:
    """The model card, in Markdown: what the model is, how it was trained, and how to load it.

    ``merged`` says how an adapter and its base became one full model.
    """
    recipe, view = run.as_trained, run.view()
    is_full_model = recipe.adapter.trains_base() or bool(merged)
    base = "the starter model of Finetune Studio" if recipe.model.id == "starter" else f"`{recipe.model.id}`"
    kind = "A language model, fine-tuned from" if is_full_model else "An adapter for the language model"
    revision = f", revision `{recipe.model.revision}`" if recipe.model.revision else ""
    rows = f", {view.train_rows:,} rows" if view.train_rows else ""
    unit = recipe.method.loss_unit and f" {recipe.method.loss_unit}"
    held_out = f"\n- Held-out loss: {view.evaluations[-1].loss:.3f}{unit}" if view.evaluations else ""
    made = f"\n- Export: {merged}" if merged else ""
    limits = [recipe.method.caution(recipe.data), "" if merged else reach(run)]
    limit = "".join(f"\n{words}\n" for words in limits if words)
    return f"""# {recipe.name}

{kind} {base}. Made with Finetune Studio.

- Base model: {base}{revision}
- Trained on: `{Path(recipe.data.path).name}`{rows}
- Method: {recipe.method.engineer}
- Trainable parameters: {recipe.adapter.engineer}
- Steps: {view.step:,}{held_out}{made}
- License: that of the base model and of the data. Neither is known here; look them up before you share this.

`recipe.yaml` has every setting. The model was evaluated on the held-out rows only: try it before you rely on it.

## Load it

```python
{usage(run, bool(merged))}
```
{limit}"""


def reach(run: Run) -> str:
    """Who cannot load the saved model of ``run`` as it was trained, as sentences; empty if its base's readers can."""
    return EXPERTS if saved_json(run, "adapter_config.json").get("target_parameters") else ""
