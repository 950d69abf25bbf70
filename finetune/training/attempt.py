"""One attempt at a run: what it is made of, and the TRL trainer that is built from that."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from finetune import compat
from finetune.machine import hardware
from finetune.models.scorer import as_scorer
from finetune.models.turn_end import end_ids
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.checkpoints import Checkpoints
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training import fsdp, trackers
from finetune.training.defaults import Defaults
from finetune.training.fallbacks import Change, next_fallback
from finetune.training.head import longest_of, require_own_loss
from finetune.training.helpers import load_helpers
from finetune.training.prepare import Prepared
from finetune.training.separation import packing_of
from finetune.training.teacher import load_teacher


@dataclass
class Attempt:
    """One attempt at a run; how far it came decides which fallback is left if memory runs out."""

    recipe: Recipe
    """With the fallbacks taken so far."""
    workspace: Workspace
    machine: hardware.Machine
    checkpoints: Checkpoints
    """Where the trainer saves."""
    run: Run | None = None
    """None where nothing is trained, as in a probe."""
    precision: str = ""
    source: Path | None = None
    """The folder of its base."""
    prepared: Prepared | None = None
    model: Any = None
    """The model, while there is one."""
    is_loaded: bool = False
    """True once its weights were there."""

    def fallback(self) -> Change | None:
        """What to change so that the next attempt needs less memory; None if nothing is left."""
        if self.prepared is None:
            return None
        batch_size, longest = self.prepared.defaults.batch_size, self.prepared.rows.longest
        return next_fallback(self.recipe, batch_size, longest, while_loading=not self.is_loaded)


def build(attempt: Attempt, *callbacks):
    """The TRL trainer for an attempt whose model is loaded, as its method builds it."""
    from transformers import PrinterCallback, set_seed

    from finetune.methods import Material
    from finetune.training.trainer import computes_in_16_bits, durable, scores_trained_tokens_only, suit_chunked_loss

    if attempt.recipe.method.makes_scorer:
        attempt.model = as_scorer(attempt.model, attempt.recipe.training.seed)
    else:
        keep_rows_apart(attempt)
        suit_chunked_loss(attempt.model)
        require_own_loss(attempt.model, longest_of(attempt.prepared.rows.train))
    recipe, prepared, checkpoints = attempt.recipe, attempt.prepared, attempt.checkpoints
    is_new = not hasattr(attempt.model, "peft_config")
    set_seed(recipe.training.seed)
    compat.score_trained_tokens_only(scores_trained_tokens_only)
    fsdp.apply_recipe(attempt.precision)
    trainer = recipe.method.trainer(
        Material(
            model=attempt.model,
            tokenizer=prepared.tokenizer,
            train=prepared.rows.train,
            held_out=prepared.rows.held_out,
            arguments=arguments(recipe, prepared.defaults, attempt.machine, attempt.precision)
            | {"output_dir": str(checkpoints.folder), "report_to": "none"},  # a run's trackers are among the callbacks
            durable=partial(
                durable, checkpoints=checkpoints, padding_row=recipe.method.padding_row, adapter=recipe.adapter
            ),
            peft_config=peft_config(attempt) if is_new else None,
            helpers=load_helpers(recipe, attempt.workspace, attempt.run),
            callbacks=list(callbacks),
            end_ids=() if recipe.method.makes_scorer else tuple(sorted(end_ids(prepared.tokenizer, attempt.model))),
            teacher=load_teacher(recipe, attempt.workspace, attempt.machine, attempt.precision),
            pack=prepared.defaults.pack,
        )
    )
    if recipe.method.makes_scorer:
        keep_head_dtype(trainer.model, attempt.model.dtype)
    if is_new and (initialize := recipe.adapter.on_adapter()):
        initialize(trainer.model, prepared.tokenizer)
    if beside := recipe.adapter.on_trainer():
        beside(trainer)
    trainer.remove_callback(PrinterCallback)  # it prints logs, which are events already
    if computes_in_16_bits(attempt.precision):
        compat.cast_once(trainer.model)
    return trainer


def peft_config(attempt: Attempt):
    """The PEFT configuration of a new adapter; that of a scorer also trains its head. None if all weights are."""
    found = attempt.recipe.adapter.peft_config(attempt.model)
    if found is not None and attempt.recipe.method.makes_scorer:
        found.task_type = "SEQ_CLS"
    return found


def keep_head_dtype(model, dtype) -> None:
    """Give the trained head of a scorer the ``dtype`` of what it reads; TRL casts it to bf16 over a quantized base."""
    for name, weight in model.named_parameters():
        if weight.requires_grad and ".score." in name:
            weight.data = weight.data.to(dtype)


def keep_rows_apart(attempt: Attempt) -> None:
    """Pack no rows, and report it, if the loaded model does not keep them apart in a sequence."""
    prepared = attempt.prepared
    if not prepared.defaults.pack:
        return
    choice = packing_of(attempt.model, [row["input_ids"] for row in prepared.rows.train])
    if choice:
        prepared.defaults = replace(prepared.defaults, pack=False)
        if attempt.run:
            report(attempt.run, [("training.packing", choice)])


def arguments(recipe: Recipe, defaults: Defaults, machine: hardware.Machine, precision: str) -> dict:
    """What every TRL config is given beside its folder, whatever the method."""
    training, device = recipe.training, machine.device
    return {
        "per_device_train_batch_size": defaults.micro_batch,
        "per_device_eval_batch_size": defaults.micro_batch,
        "gradient_accumulation_steps": training.accumulation,
        "num_train_epochs": defaults.epochs,
        "max_steps": training.max_steps or -1,
        "learning_rate": defaults.learning_rate,
        # Without a name of its own Transformers leaves the warmup out.
        "lr_scheduler_type": "constant_with_warmup" if training.schedule == "constant" else training.schedule,
        "warmup_steps": training.warmup,
        "weight_decay": training.weight_decay,
        "max_grad_norm": training.max_grad_norm,
        "optim": {"adamw": "adamw_torch_fused", "adamw_8bit": "adamw_bnb_8bit"}[training.optimizer],
        "seed": training.seed,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "use_cpu": device == "cpu",
        # Every trained weight takes part in every step; looking for others costs a walk through the graph.
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": device == "cuda",
        "activation_checkpointing": bool(training.activation_checkpointing),
        "logging_steps": 1,
        # The trainer would otherwise show a loss that is no number as 0.0.
        "logging_nan_inf_filter": False,
        "eval_strategy": "no",
        "save_strategy": "no",
        "disable_tqdm": True,
        **trackers.arguments(training.report_to, recipe.name),
    }


def report(run: Run, choices: Iterable[tuple[str, hardware.Choice]]) -> None:
    """Report each automatic choice, by its key, as an event."""
    for what, choice in choices:
        run.emit(events.Chose(what=what, value=choice.value, reason=choice.reason))
