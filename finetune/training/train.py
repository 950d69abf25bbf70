"""train(run): recipe → data → model → trainer → events. One run, in this thread, until it has ended.

A run that was started before resumes from its last whole checkpoint, and one that does not fit continues with a
fallback. What else goes wrong is raised; ``finetune.service.worker`` turns it into the run's last event.
"""

from collections.abc import Sequence
from contextlib import suppress

from finetune import compat
from finetune.adapters.targets import coverage_note
from finetune.machine import hardware
from finetune.machine.attention import choose_attention
from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.libraries import load, versions
from finetune.machine.space import space
from finetune.models.dialect import stored_dtype
from finetune.models.inspection import inspect, require_suited
from finetune.models.locate import locate
from finetune.models.saving import save
from finetune.models.transfer import Stopped
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.checkpoints import Checkpoint, disk_errors, require_room
from finetune.runs.diagnosis import best_sound
from finetune.runs.run import ENDED_AS, Run
from finetune.runs.workspace import Workspace
from finetune.training import distributed, fsdp
from finetune.training.attempt import Attempt, build, report
from finetune.training.base import bring_base
from finetune.training.movement import UNCHANGED, moments
from finetune.training.numerics import numerics_of
from finetune.training.origin import tie
from finetune.training.prepare import prepare, row_tokens
from finetune.training.pushing import pushing
from finetune.training.sample_answers import SampleAnswers
from finetune.training.start import load_start

CHECKPOINTS_AT_ONCE = 3
"""The newest two and the best."""


def train(run: Run, workspace: Workspace) -> None:
    """Work on ``run`` until it has ended, keeping the trained model in its directory."""
    load()
    fsdp.require_known(run.recipe.adapter.quantization() is not None)
    machine = hardware.machine()
    distributed.join(machine.device)
    processes = f", {distributed.world_size()} processes" if distributed.world_size() > 1 else ""
    run.emit(events.Started(device=machine.words + processes, versions=versions()))
    if found := space(workspace.path):
        run.emit(events.Noted(message=found.words, level="info" if found.is_kept else "warning"))
    while True:
        attempt = Attempt(run.as_trained, workspace, machine, run.checkpoints, run)
        ended = _try(attempt) if distributed.world_size() == 1 else _work(attempt)
        fallback, attempt = (None if ended else attempt.fallback()), None
        hardware.release_memory()
        if ended:
            run.emit(ended)
            return
        if fallback is None:
            raise MemoryError
        run.emit(events.FellBack(settings=fallback.settings, reason=fallback.reason))


def _try(attempt: Attempt) -> events.Ended | None:
    """How the run has ended, or None if memory ran out.

    Nothing is tried again inside the ``except``: its traceback would keep all tensors of the failed attempt alive.
    """
    try:
        return _work(attempt)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        if attempt.model is not None:
            compat.remove_chunked_loss(attempt.model)
            attempt.model = None


def _work(attempt: Attempt) -> events.Ended:
    from finetune.training.tracked import tracked

    run, workspace, machine = attempt.run, attempt.workspace, attempt.machine
    try:
        recipe = attempt.recipe = bring_base(run, attempt.recipe, workspace)
    except Stopped as stopped:
        return events.Ended(state=ENDED_AS[distributed.share(run.asked)], message=str(stopped))
    run.emit(events.Entered(phase="loading"))
    precision = hardware.choose_precision(machine, recipe.training.precision)
    attempt.precision = precision.value
    attempt.source = locate(recipe.model, workspace)
    found = inspect(attempt.source, recipe.model.id)
    require_suited(recipe.adapter, found)
    attention = choose_attention(machine, precision.value, found.architecture.has_sdpa)
    report(run, (("training.precision", precision), ("attention", attention)))
    for note in found.notes:
        run.emit(events.Noted(message=note))

    run.emit(events.Entered(phase="tokenizing"))
    attempt.prepared = prepare(recipe, workspace, distributed.world_size())
    tie(run, attempt.recipe, workspace, attempt.prepared.rows)
    for note in attempt.prepared.notes:
        run.emit(note)
    report(run, attempt.prepared.defaults.choices)

    run.emit(events.Entered(phase="loading"))
    attempt.model = load_start(attempt.recipe, attempt.workspace, attempt.machine, attempt.precision)
    attempt.is_loaded = True
    with tracked(run, attempt.recipe, workspace) as trackers:
        return events.Ended(state=_train(attempt, trackers))


def _train(attempt: Attempt, trackers: Sequence) -> str:
    from finetune.training.reporter import Reporter, Stopped

    run, recipe, rows = attempt.run, attempt.recipe, attempt.prepared.rows
    dtype = stored_dtype(attempt.source) if recipe.adapter.trains_base() else None
    sample_answers = SampleAnswers(
        [] if recipe.method.makes_scorer else rows.prompts,
        attempt.prepared.tokenizer,
        recipe.evaluation.max_tokens,
        changes_at_start=recipe.adapter.attaches_to == "prompt" and not recipe.model.run,
    )
    if recipe.adapter.rewrites_base and not hasattr(attempt.model, "peft_config"):
        sample_answers.ask_base(attempt.model)
    reporter = Reporter(run, recipe, attempt.machine, sample_answers)
    trainer = build(attempt, *trackers, reporter)
    if recipe.adapter.attaches_to == "linear layers" and (note := coverage_note(trainer.model, recipe.adapter.title)):
        run.emit(events.Noted(message=note))
    report(run, numerics_of(trainer, attempt.machine.device))
    if distributed.world_size() > 1:
        report(run, (("parallelism", fsdp.parallelism_of(trainer)),))
    reporter.trainer = trainer
    reporter.epoch_tokens = sum(map(row_tokens, rows.train))
    reporter.planned = {
        "train_rows": len(rows.train),
        "held_out_rows": len(rows.held_out),
        "trained_tokens": rows.counts.trained,
        "parameters": count(trainer.model, trainable=False),
        "trainable": count(trainer.model, trainable=True),
    }
    require_room_to_end(run, trainer.model)
    before = None if trainer.is_fsdp_enabled else moments(trainer.model, dtype)
    start = starting_point(attempt)
    if start:
        fsdp.require_same(start.facts.get("sharded", False), trainer)
    run.emit(events.Entered(phase="training"))
    with suppress(Stopped), pushing(run, recipe.training.push_to) as reporter.pusher:
        trainer.train(resume_from_checkpoint=str(start.path) if start else None)
    return _conclude(attempt, trainer, reporter, dtype, before)


def require_room_to_end(run: Run, model) -> None:
    """``DiskError`` unless the checkpoints that are kept at once and the model at the end fit on the disk."""
    from finetune.training.trainer import checkpoint_bytes

    needed = int(1.2 * (CHECKPOINTS_AT_ONCE + 1) * checkpoint_bytes(model))
    require_room(run.path, needed, "this run's checkpoints and its model")


def starting_point(attempt: Attempt) -> Checkpoint | None:
    """The checkpoint to resume from, reported as an event; None for a run that starts from step 0."""
    run = attempt.run
    found = run.checkpoints.newest()
    for message in found.skipped:
        run.emit(events.Noted(message=message, level="warning"))
    checkpoint = found.checkpoint
    weights = "model" if attempt.recipe.adapter.trains_base() else "adapter_model"
    if checkpoint and not any(checkpoint.path.glob(f"{weights}*.safetensors")):
        message = "The last checkpoint holds a whole model, which cannot become an adapter: training restarts."
        run.emit(events.Noted(message=message, level="warning"))
        checkpoint = None
    if checkpoint:
        run.emit(events.Resumed(step=checkpoint.step))
    elif run.view().step:
        run.emit(
            events.Noted(message="There is no checkpoint to resume from: it restarts from step 0.", level="warning")
        )
        run.emit(events.Resumed(step=0))
    return checkpoint


def _conclude(attempt: Attempt, trainer, reporter, dtype, before: list | None) -> str:
    """Keep what there is to keep; the state in which the run has ended. ``before``: ``moments`` at the start."""
    run, recipe, step = attempt.run, attempt.recipe, trainer.state.global_step
    asked = distributed.share(run.asked) if step < trainer.state.max_steps else ""
    run.emit(events.Entered(phase="saving"))
    if asked and not step:
        run.emit(events.Noted(message="It ended before the first step, so there is no model to keep."))
        return ENDED_AS[asked]
    if asked and distributed.world_size() == 1 and not run.checkpoints.at(step):
        compat.save_checkpoint(trainer)
        reporter.on_save(trainer.args, trainer.state, trainer.control)
    if asked in ("pause", "yield"):
        return ENDED_AS[asked]
    if not asked:
        keep_best(run, recipe, trainer)
    if before is not None and moments(trainer.model, dtype) == before:
        run.emit(events.Noted(message=UNCHANGED, level="warning"))
    weights = trainer.accelerator.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    if distributed.is_main_process():
        with disk_errors(run.path):
            save(trainer.model, attempt.prepared.tokenizer, run, recipe, dtype, weights, attempt.source)
    run.emit(events.Saved(what="model", path="model", step=step))
    return ENDED_AS[asked]


def keep_best(run: Run, recipe: Recipe, trainer) -> None:
    """Put the weights of the best evaluation into the trainer's model, if they are not the last."""
    view = run.view()
    # Other processes may not yet see what the main one wrote, and load a part each of what all must agree on.
    best, last = distributed.share((best_sound(view), view.evaluations[-1:]))
    if recipe.evaluation.keep != "best" or not best or best.step >= trainer.state.global_step:
        return
    checkpoint = distributed.share(run.checkpoints.at(best.step))
    if checkpoint:
        compat.load_weights(trainer, checkpoint.path)
        sound = " without degenerate output" if view.best != best else ""
        reason = f"its held-out loss was {best.loss:.3f}{sound}, and {last[0].loss:.3f} at the end"
        run.emit(events.Chose(what="model_kept", value=f"step {best.step:,}", reason=reason))


def count(model, trainable: bool) -> int:
    """Parameters of ``model``; a 4-bit weight, stored two to a byte, counts as two."""
    counted = (parameter for parameter in model.parameters() if parameter.requires_grad or not trainable)
    return sum(each.numel() * (2 if type(each).__name__ == "Params4bit" else 1) for each in counted)
