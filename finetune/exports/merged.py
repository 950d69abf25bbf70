"""The tuned model as a model folder that needs no base."""

import shutil
from pathlib import Path
from typing import ClassVar

from finetune.errors import RunError
from finetune.exports.card import card
from finetune.exports.plain import Plain, of_folder
from finetune.exports.staging import staged
from finetune.exports.steps import asking, loading, serving
from finetune.exports.target import Exported, Step, Target, Work
from finetune.machine.libraries import load
from finetune.models.architecture import KEPT
from finetune.models.dialect import keep_dialect, stored_dtype
from finetune.models.inspection import inspect
from finetune.models.loading import load_weights, require_model, with_adapter
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer
from finetune.runs.fingerprint import require_same_base
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings


class Merged(Target):
    """The base with the adapter merged in."""

    name: ClassVar[str] = "merged"
    order: ClassVar[int] = 20
    words: ClassVar[str] = "a model folder with the adapter merged in"
    title: ClassVar[str] = "Merged model"
    merges: ClassVar[bool] = True
    purpose: ClassVar[str] = "One whole model in a folder that needs nothing else: for servers and for other programs."

    def require(self, run: Run) -> None:
        """``RunError`` if the run has no model, or an adapter that only works beside its base."""
        adapter = require_model(run).as_trained.adapter
        if not adapter.trains_base() and not adapter.merges:
            raise unmergeable(run, adapter.title)

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """A new folder ``RUN-merged`` with the full tuned model; the note says how it was made.

        The adapter is merged in fp32 into the base as it was before quantization, and saved in the base's own dtype.
        ``RunError`` if the run has no model, if its adapter cannot be merged, or if the folder already exists.
        """
        self.require(run)
        work.report("merging", 0.0)
        folder = Path(to) / f"{run.id}-merged"
        with staged(folder) as staging:
            if run.as_trained.adapter.trains_base():
                shutil.copytree(run.model_dir, staging)
                words = "All weights were trained, so there is nothing to merge: this is a copy of the model."
            else:
                words = _merge(run, workspace, staging)
            (staging / "README.md").write_text(card(run, merged=words), encoding="utf-8")
            (staging / "recipe.yaml").write_text(run.recipe.to_yaml(), encoding="utf-8")
        return Exported(folder, words)

    def reader(self, run: Run, workspace: Workspace, path: Path) -> Plain:
        """The folder, as any program with Transformers opens it."""
        return of_folder(run, path)

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """Load it, serve it, or ask the run itself."""
        return [loading(run, merged=True), serving(run, exported.path, merged=True), asking(run)]


def unmergeable(run: Run, kind: str) -> RunError:
    """The error that says that an adapter, ``kind``, only works beside its base."""
    return RunError(
        f"The adapter of run {run.id} ({kind}) cannot be merged into its base.",
        "Export the adapter alone; it is loaded beside the base.",
    )


def _merge(run: Run, workspace: Workspace, folder: Path) -> str:
    """Write base and adapter as one model to ``folder``; how it was made, in one or two sentences."""
    import torch

    load()
    recipe = run.as_trained
    source = locate(recipe.model, workspace)
    require_same_base(run, source)
    if inspect(source, recipe.model.id).architecture.quantization == KEPT:
        raise RunError(
            f"The adapter of run {run.id} cannot be merged: the weights of its base {recipe.model.id} have 4 bits.",
            "Export the adapter alone, or train on the model as it was before quantization.",
        )
    base = load_weights(source, torch.float32, "cpu")
    tuned = with_adapter(base, run.model_dir)
    kind = str(getattr(tuned.peft_config["default"].peft_type, "value", tuned.peft_config["default"].peft_type))
    if not hasattr(tuned.base_model, "merge_and_unload"):
        raise unmergeable(run, kind)
    if shares_weights(tuned):
        raise RunError(
            f"The adapter of run {run.id} cannot be merged: its base has the same weights in several layers, and it "
            "changes each layer in its own way.",
            "Export the adapter alone; it is loaded beside the base.",
        )
    try:
        merged = tuned.merge_and_unload(safe_merge=True)
    except (NotImplementedError, ValueError) as error:
        raise unmergeable(run, kind) from error
    dtype = stored_dtype(source)
    merged.to(dtype).save_pretrained(folder)
    tokenizer = load_tokenizer(recipe.model, workspace)
    tokenizer.save_pretrained(folder)
    keep_dialect(folder, source, tokenizer, is_whole=True)
    words = f"The adapter was merged into the base and saved in {str(dtype).removeprefix('torch.')}."
    if recipe.adapter.quantization_arguments():
        words += (
            f" It was trained on the base quantized to {recipe.adapter.weight_bits} bits and merged into the base as it"
            " was before, so answers can differ a little from those on the Compare tab."
        )
    return words


def shares_weights(tuned) -> bool:
    """True if layers with adapters of their own have the same weights, as the shared blocks of Zamba have."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [part.get_base_layer() for part in tuned.modules() if isinstance(part, BaseTunerLayer)]
    weights = [id(weight) for layer in layers if (weight := getattr(layer, "weight", None)) is not None]
    return len(weights) > len(set(weights))
