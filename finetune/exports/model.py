"""The tuned model of a run as an export: the model folder, its model card and the recipe.

``zip_adapter`` writes the model as it was saved into one file; ``write_merged`` writes a full model that needs no base.
Checkpoints and optimizer state are left out: they only serve to resume the run here.
"""

import os
import shutil
import zipfile
from pathlib import Path

from finetune.errors import RunError
from finetune.machine.libraries import load
from finetune.model import load_config, load_tokenizer, load_weights, locate, require_model
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

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


def write_merged(run: Run, workspace: Workspace, to: Path) -> tuple[Path, str]:
    """The path of a new folder ``to/RUN-merged`` with the full tuned model, and how it was made, in a sentence.

    The adapter is merged in fp32 into the base as it was before quantization, and saved in the base's own dtype.
    ``RunError`` if the run has no model, if its adapter cannot be merged, or if the folder already exists.
    """
    require_model(run)
    folder = Path(to) / f"{run.id}-merged"
    if folder.exists():
        raise RunError(f"{folder} already exists.", "Choose another folder, or remove it.")
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    staging.parent.mkdir(parents=True, exist_ok=True)
    try:
        if run.recipe.adapter.trains_base():
            shutil.copytree(run.model_dir, staging)
            words = "All weights were trained, so there is nothing to merge: this is a copy of the model."
        else:
            words = _merge(run, workspace, staging)
        (staging / "README.md").write_text(card(run, merged=words), encoding="utf-8")
        (staging / "recipe.yaml").write_text(run.recipe.to_yaml(), encoding="utf-8")
        for file in staging.iterdir():
            file.chmod(0o644)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder, words


def _merge(run: Run, workspace: Workspace, folder: Path) -> str:
    """Write base and adapter as one model to ``folder``; how it was made, in one or two sentences."""
    import torch

    load()
    from peft import PeftModel

    recipe = run.recipe
    base = load_weights(locate(recipe.model, workspace), torch.float32, "cpu")
    tuned = PeftModel.from_pretrained(base, run.model_dir)
    kind = tuned.peft_config["default"].peft_type.value
    cannot = RunError(
        f"The adapter of run {run.id} ({kind}) cannot be merged into its base.",
        "Export the adapter alone; it is loaded beside the base.",
    )
    if not hasattr(tuned.base_model, "merge_and_unload"):
        raise cannot
    try:
        merged = tuned.merge_and_unload(safe_merge=True)
    except (NotImplementedError, ValueError) as error:
        raise cannot from error
    dtype = load_config(recipe.model, workspace).dtype or torch.float32
    merged.to(dtype).save_pretrained(folder)
    load_tokenizer(recipe.model, workspace).save_pretrained(folder)
    words = f"The adapter was merged into the base and saved in {str(dtype).removeprefix('torch.')}."
    if recipe.adapter.quantization_arguments():
        words += (
            " It was trained on the base quantized to 4 bits and merged into the base before quantization, so answers"
            " can differ a little from those on the Compare tab."
        )
    return words


def card(run: Run, merged: str = "") -> str:
    """The model card, in Markdown: what the model is, how it was trained, and how to load it.

    ``merged`` says how an adapter and its base became one full model.
    """
    recipe, view = run.recipe, run.view()
    is_full_model = recipe.adapter.trains_base() or bool(merged)
    base = "the starter model of Finetune Studio" if recipe.model.id == "starter" else f"`{recipe.model.id}`"
    kind = "A language model, fine-tuned from" if is_full_model else "An adapter for the language model"
    revision = f", revision `{recipe.model.revision}`" if recipe.model.revision else ""
    rows = f", {view.train_rows:,} rows" if view.train_rows else ""
    held_out = f"\n- Held-out loss: {view.evaluations[-1].loss:.3f} nats per token" if view.evaluations else ""
    made = f"\n- Export: {merged}" if merged else ""
    return f"""# {recipe.name}

{kind} {base}. Made with Finetune Studio.

- Base model: {base}{revision}
- Trained on: `{Path(recipe.data.path).name}`{rows}
- Method: {recipe.method.engineer}
- Trainable parameters: {recipe.adapter.engineer}
- Steps: {view.step:,}{held_out}{made}
- Licence: that of the base model and of the data. Neither is known here; look them up before you share this.

`recipe.yaml` has every setting. The model was evaluated on the held-out rows only: try it before you rely on it.

## Load it

```python
{_loading(recipe.model.id, is_full_model, folder="." if merged else "model")}
```
"""


def _loading(base: str, is_full_model: bool, folder: str) -> str:
    """Python source that loads the model from ``folder``."""
    tokenizer = f'tokenizer = AutoTokenizer.from_pretrained("{folder}")'
    if is_full_model:
        return f"""from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{folder}")
{tokenizer}"""
    base = "PATH/TO/assets/starter" if base == "starter" else base
    return f"""from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "{folder}")
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
