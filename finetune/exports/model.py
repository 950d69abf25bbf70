"""What a run learnt, to take away: the model folder, its card and the recipe that made it.

``zip_adapter`` gives it as it was saved, in one file; ``write_merged`` as a whole model that needs no base beside it.
Checkpoints and optimizer state stay behind: they serve only to go on training here.
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
    """The path of a new folder ``to/RUN-merged`` with the whole tuned model, and how it was made, in a sentence.

    The add-on is merged in fp32 into the base as it was before any quantization, and saved in the base's own dtype.
    ``RunError`` if the run has no model, if its add-on cannot be merged, or if the folder is there already.
    """
    require_model(run)
    folder = Path(to) / f"{run.id}-merged"
    if folder.exists():
        raise RunError(f"{folder} is there already.", "Choose another folder, or remove it.")
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    staging.parent.mkdir(parents=True, exist_ok=True)
    try:
        if run.recipe.adapter.trains_base():
            shutil.copytree(run.model_dir, staging)
            words = "The whole model was trained, so there is nothing to merge: this is a copy of it."
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
    """Write base and add-on as one model to ``folder``, and say how."""
    import torch

    load()
    from peft import PeftModel

    recipe = run.recipe
    base = load_weights(locate(recipe.model, workspace), torch.float32, "cpu")
    tuned = PeftModel.from_pretrained(base, run.model_dir)
    kind = tuned.peft_config["default"].peft_type.value
    cannot = RunError(
        f"The add-on of run {run.id} ({kind}) cannot be merged into its base.",
        "Export it as an adapter, which is loaded beside the base.",
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
    words = f"The add-on was merged into the base and saved in {str(dtype).removeprefix('torch.')}."
    if recipe.adapter.quantization_arguments():
        words += (
            " It was trained on the base in 4 bits and merged into the base as it was before that, so answers can"
            " differ a little from those on the Compare tab."
        )
    return words


def card(run: Run, merged: str = "") -> str:
    """The model's card, in Markdown: what it is, what it was made from, and how to load it.

    ``merged`` says how it became a whole model, if it did.
    """
    recipe, view = run.recipe, run.view()
    whole = recipe.adapter.trains_base() or bool(merged)
    base = "the starter model of Finetune Studio" if recipe.model.id == "starter" else f"`{recipe.model.id}`"
    kind = "A language model, fine-tuned from" if whole else "An add-on (LoRA adapter) for a language model:"
    revision = f", revision `{recipe.model.revision}`" if recipe.model.revision else ""
    rows = f", {view.train_rows:,} rows" if view.train_rows else ""
    held_out = f"\n- Loss on held-out rows: {view.evaluations[-1].loss:.3f} nats per token" if view.evaluations else ""
    made = f"\n- How it was put together: {merged}" if merged else ""
    return f"""# {recipe.name}

{kind} {base}. Made with Finetune Studio.

- Base model: {base}{revision}
- Learnt from: `{Path(recipe.data.path).name}`{rows}
- Method: {recipe.method.engineer}
- What was updated: {recipe.adapter.engineer}
- Steps: {view.step:,}{held_out}{made}
- Licence: that of the base model and of the data. Neither is known here; look them up before you share this.

`recipe.yaml` has every setting. It was not checked for anything beyond the held-out rows: try it before you rely on it.

## Load it

```python
{_loading(recipe.model.id, whole, folder="." if merged else "model")}
```
"""


def _loading(base: str, whole: bool, folder: str) -> str:
    tokenizer = f'tokenizer = AutoTokenizer.from_pretrained("{folder}")'
    if whole:
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
