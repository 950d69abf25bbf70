"""train(run): recipe → data → model → trainer → events. One run, in this thread, until it has ended.

What goes wrong is raised; ``finetune.jobs`` turns it into the run's last event.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from finetune import events as said
from finetune import hardware
from finetune.data.mix import gather
from finetune.errors import DataError, RecipeError
from finetune.libraries import load, versions
from finetune.model import load_base, load_config, load_tokenizer, save
from finetune.plan import Plan, plan
from finetune.recipe import Recipe
from finetune.run import Run
from finetune.sampler import Sampler, prompt_of
from finetune.workspace import Workspace

PROMPTS_SHOWN = 3
"""Prompts that are answered during training when the recipe names none."""


@dataclass
class Rows:
    """Tokenised rows, ready for the trainer."""

    train: list[dict]
    held_out: list[dict]
    trained_tokens: int
    prompts: list[list[dict]]
    """Conversations up to the user's turn, from held-out rows, to be answered during training."""


def train(run: Run, workspace: Workspace) -> None:
    """Work on ``run`` until it is done or stopped, keeping the tuned model in its directory."""
    recipe = run.recipe
    load()
    machine = hardware.machine()
    run.emit(said.Started(device=machine.words, versions=versions()))
    run.emit(said.Entered(phase="loading"))
    precision = hardware.choose_precision(machine, recipe.training.precision)
    run.emit(said.Chose(what="precision", value=precision.value, reason=precision.reason))
    attention = hardware.choose_attention(machine)
    run.emit(said.Chose(what="attention", value=attention.value, reason=attention.reason))
    tokenizer = load_tokenizer(recipe.model, workspace)
    hidden_size = load_config(recipe.model, workspace).get_text_config().hidden_size

    run.emit(said.Entered(phase="tokenising"))
    rows = prepare(run, recipe, workspace, tokenizer)
    settled = plan(recipe, [length(row) for row in rows.train], hidden_size)
    for what, choice in settled.choices:
        run.emit(said.Chose(what=what, value=choice.value, reason=choice.reason))

    run.emit(said.Entered(phase="loading"))
    model = load_base(recipe.model, workspace, recipe.adapter, weight_dtype(recipe, precision.value), machine.device)
    try:
        state = _train(run, recipe, rows, settled, model, tokenizer, machine, precision.value)
    finally:
        # TRL patches forward on the instance; left there, the model can never be freed.
        model.__dict__.pop("forward", None)
        del model
        hardware.release_memory()
    run.emit(said.Ended(state=state))


def prepare(run: Run, recipe: Recipe, workspace: Workspace, tokenizer) -> Rows:
    """Read, split and tokenise the recipe's data, noting every row that is left out."""
    gathered = gather(recipe.data, workspace.find, recipe.training.seed)
    dataset, held_out = gathered.dataset, gathered.held_out
    if dataset.kind not in recipe.method.reads:
        raise RecipeError(
            f"{recipe.method.type.upper()} cannot learn from these rows: they are {dataset.title}.",
            "Choose a method that suits the data, on the Method tab.",
        )
    if dataset.rejected:
        first = dataset.rejected[0]
        words = f"Rows left out: {len(dataset.rejected):,}. The first is {first.where}: {first.reason}"
        run.emit(said.Noted(message=words, level="warning"))
    for note in gathered.notes:
        run.emit(said.Noted(message=note))
    train_rows, tokens = tokenise(run, recipe, gathered.train, tokenizer, "training")
    held_out_rows, _ = tokenise(run, recipe, held_out, tokenizer, "held-out")
    if not train_rows:
        raise DataError(
            f"No row has anything left to learn at a length of {recipe.training.length} tokens.",
            "Raise the length on the Method tab.",
        )
    return Rows(train_rows, held_out_rows, tokens, prompts(recipe, held_out or gathered.train))


def tokenise(run: Run, recipe: Recipe, examples: Sequence[dict], tokenizer, part: str) -> tuple[list[dict], int]:
    """Rows for the trainer, and their tokens that carry loss; a row that cannot be learnt from is dropped and noted."""
    rows, tokens, truncated, empty, refused = [], 0, 0, 0, []
    for example in examples:
        try:
            pieces = recipe.method.pieces(example, tokenizer, recipe.training.length)
        except DataError as error:
            refused.append(error)
            continue
        truncated += any(piece.is_truncated for piece in pieces)
        if not all(piece.learns for piece in pieces):
            empty += 1
            continue
        rows.append(recipe.method.columns(pieces))
        tokens += sum(sum(piece.trained) for piece in pieces)
    if refused and not rows:
        raise refused[0]
    for count, words in (
        (truncated, f"longer than {recipe.training.length} tokens and cut"),
        (empty, "dropped, because nothing was left to learn in them"),
        (len(refused), f"dropped: {refused[0].message if refused else ''}"),
    ):
        if count:
            run.emit(
                said.Noted(message=f"{count} of the {part} rows were {words}.".replace("..", "."), level="warning")
            )
    return rows, tokens


def prompts(recipe: Recipe, examples: Sequence[dict]) -> list[list[dict]]:
    """The conversations to answer during training: the recipe's prompts, else the first held-out questions."""
    system = [{"role": "system", "content": recipe.data.system}] if recipe.data.system else []
    if recipe.evaluation.prompts:
        return [[*system, {"role": "user", "content": prompt}] for prompt in recipe.evaluation.prompts]
    found = [prompt_of(example) for example in examples[:PROMPTS_SHOWN]]
    return [prompt for prompt in found if prompt]


def weight_dtype(recipe: Recipe, precision: str):
    """The dtype the base is loaded in: fp32 where its own weights are trained, else the arithmetic's."""
    import torch

    if recipe.adapter.trains_base():
        return torch.float32
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def _train(run, recipe, rows, settled, model, tokenizer, machine, precision) -> str:
    from transformers import set_seed

    from finetune.methods import Material
    from finetune.reporter import Reporter, Stopped

    base_dtype = model.config.dtype
    sampler = Sampler(rows.prompts, tokenizer, recipe.evaluation.max_tokens)
    reporter = Reporter(run, recipe.method, machine, sampler, recipe.evaluation.times)
    set_seed(recipe.training.seed)
    trainer = recipe.method.trainer(
        Material(
            model=model,
            tokenizer=tokenizer,
            train=rows.train,
            held_out=rows.held_out,
            arguments=arguments(run, recipe, settled, machine, precision),
            peft_config=recipe.adapter.peft_config(),
            callbacks=[reporter],
            pack=settled.pack,
        )
    )
    silence(trainer)
    reporter.trainer = trainer
    reporter.epoch_tokens = sum(map(length, rows.train))
    reporter.planned = {
        "train_rows": len(rows.train),
        "held_out_rows": len(rows.held_out),
        "trained_tokens": rows.trained_tokens,
        "parameters": count(trainer.model, trainable=False),
        "trainable": count(trainer.model, trainable=True),
    }
    run.emit(said.Entered(phase="training"))
    with suppress(Stopped):
        trainer.train()
    run.emit(said.Entered(phase="saving"))
    save(trainer.model, tokenizer, run, recipe.model, base_dtype)
    run.emit(said.Saved(what="model", path="model", step=trainer.state.global_step))
    return "stopped" if run.cancelled and trainer.state.global_step < trainer.state.max_steps else "done"


def silence(trainer) -> None:
    """Take out the callback that prints logs: they are events already."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def arguments(run: Run, recipe: Recipe, settled: Plan, machine: hardware.Machine, precision: str) -> dict:
    """What every TRL config is given, whatever the method."""
    training = recipe.training
    return {
        "output_dir": str(run.checkpoints_dir),
        "per_device_train_batch_size": settled.micro_batch,
        "per_device_eval_batch_size": settled.micro_batch,
        "gradient_accumulation_steps": training.accumulation,
        "num_train_epochs": settled.epochs,
        "max_steps": training.max_steps or -1,
        "learning_rate": settled.learning_rate,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": training.warmup,
        "weight_decay": training.weight_decay,
        "max_grad_norm": training.max_grad_norm,
        "seed": training.seed,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "use_cpu": machine.device == "cpu",
        "dataloader_pin_memory": machine.device == "cuda",
        "activation_checkpointing": bool(training.activation_checkpointing),
        "logging_steps": 1,
        # The trainer would otherwise show a loss that is no number as 0.0.
        "logging_nan_inf_filter": False,
        "eval_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def length(row: dict) -> int:
    """Tokens of a trainer's row, all its columns of ids together."""
    return sum(len(ids) for name, ids in row.items() if name.endswith("ids"))


def count(model, trainable: bool) -> int:
    """Parameters of ``model``; a 4-bit weight, stored two to a byte, counts as two."""
    total = 0
    for parameter in model.parameters():
        if parameter.requires_grad or not trainable:
            packed = type(parameter).__name__ == "Params4bit"
            total += parameter.numel() * (2 if packed else 1)
    return total
