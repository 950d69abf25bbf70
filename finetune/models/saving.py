"""Weights out: the tuned model of a run, all or nothing."""

import json
import shutil
from pathlib import Path

from finetune.compat import tied_weights
from finetune.models.architecture import TEXT, architecture
from finetune.models.dialect import keep_dialect
from finetune.models.files import read_config
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.run import Run

TRAINED = "default"
"""PEFT's name for the adapter that is trained; DPO adds a second one as its frozen reference."""


def save(
    model,
    tokenizer,
    run: Run,
    recipe: Recipe,
    dtype=None,
    weights: dict | None = None,
    base: Path | None = None,
) -> None:
    """Write the tuned model to the run directory, all or nothing: the adapter alone, or the full model in ``dtype``.

    ``weights`` is the gathered state dict where this process holds only a shard of the model (FSDP). All that lies
    beside the weights is as in the folder ``base``; without one, as Transformers writes it. What the adapter of
    ``recipe`` changes there itself comes last.
    """
    if run.is_gone:  # or saving would make its directory again
        raise run.gone()
    staging = run.path / ".model"
    shutil.rmtree(staging, ignore_errors=True)
    is_whole = not hasattr(model, "peft_config")
    if is_whole:
        (model.to(dtype) if dtype else model).save_pretrained(
            staging, state_dict=weights and _untied(model, weights, dtype)
        )
    else:
        # Without this flag PEFT asks the hub for the base's vocabulary at each save.
        model.save_pretrained(staging, save_embedding_layers=False, selected_adapters=[TRAINED], state_dict=weights)
        _name_base(staging / "adapter_config.json", recipe.model, base)
        (staging / "README.md").unlink(missing_ok=True)
    tokenizer.save_pretrained(staging)
    if base:
        keep_dialect(staging, base, tokenizer, is_whole)
    if on_saved := recipe.adapter.on_saved():
        on_saved(model, staging)
    shutil.rmtree(run.model_dir, ignore_errors=True)
    staging.rename(run.model_dir)


def _untied(model, weights: dict, dtype) -> dict:
    """``weights`` in ``dtype``, tied weights once, as ``model`` would save them itself."""
    tied = tied_weights(model)
    return {name: weight.to(dtype) for name, weight in weights.items() if name not in tied}


def _name_base(path: Path, settings: ModelSettings, base: Path | None) -> None:
    """Name the base in PEFT's configuration at ``path``, and its class where that is none for text alone."""
    import transformers

    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = settings.id, settings.revision
    found = architecture(read_config(base, settings.id), settings.id) if base else None
    if found and found.auto_class != TEXT:
        module = getattr(transformers, found.class_name).__module__
        config["auto_mapping"] = {"base_model_class": found.class_name, "parent_library": module}
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
