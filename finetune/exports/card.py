"""The model card of an export: what the model is, how it was trained, and how to load it."""

import json
from pathlib import Path

from finetune.models.architecture import PICTURES_TOO, TEXT, architecture
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
    code = "" if is_full_model else recipe.adapter.code.rpartition(".")[2]
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
{_loading(recipe.model.id, is_full_model, "." if merged else "model", _auto_class(run), code)}
```
{limit}"""


def reach(run: Run) -> str:
    """Who cannot load the saved model of ``run`` as it was trained, as sentences; empty if its base's readers can."""
    return EXPERTS if _read(run.model_dir / "adapter_config.json").get("target_parameters") else ""


def _auto_class(run: Run) -> str:
    """The class of Transformers that loads the model, or the base of the adapter, that ``run`` has saved."""
    if config := _read(run.model_dir / "config.json"):
        return architecture(config, run.id).auto_class
    return PICTURES_TOO if _read(run.model_dir / "adapter_config.json").get("auto_mapping") else TEXT


def _read(path: Path) -> dict:
    """The JSON object in a file; an empty one if there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _loading(base: str, is_full_model: bool, folder: str, auto_class: str, code: str = "") -> str:
    """Python source that loads the model from ``folder``, by a class of Transformers.

    ``code`` is the module in ``folder`` that makes the adapter's type known to PEFT, if it is none of PEFT's own.
    """
    tokenizer = f'tokenizer = AutoTokenizer.from_pretrained("{folder}")'
    if is_full_model:
        return f"""from transformers import {auto_class}, AutoTokenizer

model = {auto_class}.from_pretrained("{folder}")
{tokenizer}"""
    base = "PATH/TO/assets/starter" if base == "starter" else base
    known = (
        f"""
sys.path.append("{folder}")
import {code}  # makes PEFT know this type of adapter
"""
        if code
        else ""
    )
    return f"""{"import sys" + chr(10) * 2 if code else ""}from peft import PeftModel
from transformers import {auto_class}, AutoTokenizer
{known}
base = {auto_class}.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "{folder}")
{tokenizer}"""
