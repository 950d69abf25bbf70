"""What a run learnt, in one file to take away: the model folder, its card and the recipe that made it.

Checkpoints and optimiser state stay behind: they serve only to go on training here.
"""

import os
import zipfile
from pathlib import Path

from finetune.model import require_model
from finetune.run import Run

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip, so that equal runs give equal bytes."""


def zip_adapter(run: Run, to: Path) -> Path:
    """The path of a new ``RUN.zip`` in the folder ``to``; ``RunError`` if the run has no model."""
    require_model(run)
    to = Path(to)
    to.mkdir(parents=True, exist_ok=True)
    target, unfinished = to / f"{run.id}.zip", to / f".{run.id}.zip.{os.getpid()}"
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, "README.md", card(run).encode())
            _write(archive, "recipe.yaml", run.recipe.to_yaml().encode())
            for file in sorted(
                path for path in run.model_dir.rglob("*") if path.is_file() and path.name != "README.md"
            ):
                _write(archive, f"model/{file.relative_to(run.model_dir).as_posix()}", file)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def card(run: Run) -> str:
    """The model's card, in Markdown: what it is, what it was made from, and how to load it."""
    recipe, view = run.recipe, run.view()
    whole = recipe.adapter.trains_base()
    base = "the starter model of Finetune Studio" if recipe.model.id == "starter" else f"`{recipe.model.id}`"
    kind = "A language model, fine-tuned as a whole from" if whole else "An add-on (LoRA adapter) for a language model:"
    revision = f", revision `{recipe.model.revision}`" if recipe.model.revision else ""
    rows = f", {view.train_rows:,} rows" if view.train_rows else ""
    held_out = f"\n- Loss on held-out rows: {view.evaluations[-1].loss:.3f} nats per token" if view.evaluations else ""
    return f"""# {recipe.name}

{kind} {base}. Made with Finetune Studio.

- Base model: {base}{revision}
- Learnt from: `{Path(recipe.data.path).name}`{rows}
- Method: {recipe.method.engineer}
- What was updated: {recipe.adapter.engineer}
- Steps: {view.step:,}{held_out}
- Licence: that of the base model and of the data. Neither is known here; look them up before you share this.

`recipe.yaml` has every setting. It was not checked for anything beyond the held-out rows: try it before you rely on it.

## Load it

```python
{_loading(recipe.model.id, whole)}
```
"""


def _loading(base: str, whole: bool) -> str:
    tokenizer = 'tokenizer = AutoTokenizer.from_pretrained("model")'
    if whole:
        return f"""from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("model")
{tokenizer}"""
    folder = "PATH/TO/assets/starter" if base == "starter" else base
    return f"""from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("{folder}")
model = PeftModel.from_pretrained(base, "model")
{tokenizer}"""


def _write(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(2**20):
            target.write(block)
