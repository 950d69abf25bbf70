"""What every TRL trainer is given here: whole checkpoints or none, and an order of rows that can be resumed.

The trainers, their losses and their loops stay TRL's; a method builds its own from the class that ``durable`` returns.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch.utils.data import Sampler

from finetune import compat
from finetune.adapters import Adapter
from finetune.errors import DivergedError
from finetune.runs.checkpoints import Checkpoint, Checkpoints, require_room

STATE = "adapter_state.safetensors"
"""What an adapter needs beside PEFT's own file, in a checkpoint (``Adapter.state_of``)."""


def durable(trainer_class: type, checkpoints: Checkpoints, padding_row: dict, adapter: Adapter | None = None) -> type:
    """``trainer_class`` (a ``transformers.Trainer``) that saves to ``checkpoints`` and resumes exactly.

    ``padding_row`` is what ``ordered`` fills up with; ``adapter`` says what a checkpoint needs beside PEFT's own file.
    """

    class Durable(ordered(trainer_class, padding_row)):
        _staged: Path | None = None

        @property
        def _facts(self) -> dict:
            return {"optimizer": optimizer_of(self), "sharded": self.is_fsdp_enabled}

        def create_accelerator_and_postprocess(self):
            super().create_accelerator_and_postprocess()
            keep_sums_precise(self.accelerator)

        def _get_output_dir(self, trial):
            return str(self._staged) if self._staged else super()._get_output_dir(trial)

        def _save_checkpoint(self, model, trial):
            step, is_writer = self.state.global_step, self.args.should_save
            require_finite(self.model, step)
            if is_writer:
                require_room(checkpoints.folder, checkpoint_bytes(self.model), "a checkpoint")
            writing = checkpoints.staging(step, self._facts)
            with writing if is_writer else nullcontext(checkpoints.staged(step)) as self._staged:
                self.accelerator.wait_for_everyone()
                super()._save_checkpoint(model, trial)
                self.accelerator.wait_for_everyone()
                if is_writer:
                    _flatten(self._staged, f"checkpoint-{step}")
                    _write_state(adapter, self.model, self._staged)
            self._staged = None

        def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
            """What the adapter has put beside PEFT's own file, and else that file or the model's."""
            state = Path(resume_from_checkpoint) / STATE
            with same_dtypes(self.model):
                if adapter and state.is_file():
                    adapter.set_state(self.model, load_file(state))
                else:
                    super()._load_from_checkpoint(resume_from_checkpoint, model)

        def _load_optimizer_and_scheduler(self, checkpoint):
            """The optimizer's state only if it is of the same optimizer; the schedule continues in any case."""
            saved = Checkpoint(Path(checkpoint), 0).facts.get("optimizer") if checkpoint else None
            if saved in (None, optimizer_of(self)):
                super()._load_optimizer_and_scheduler(checkpoint)
            else:
                _load_scheduler(self.lr_scheduler, Path(checkpoint))

        def create_model_card(self, *_, **__):
            """No card in a checkpoint: ours is written when the model is exported."""

    Durable.__name__ = trainer_class.__name__
    return Durable


@contextmanager
def same_dtypes(model) -> Iterator[None]:
    """Trained weights of ``model`` that get another dtype inside have their own again afterwards.

    PEFT loads in fp32 what is trained in 16 bits over a quantized base, and a resumed run would be another one.
    """
    dtypes = {name: weight.dtype for name, weight in model.named_parameters()}
    yield
    for name, weight in model.named_parameters():
        if weight.requires_grad and weight.dtype != dtypes[name]:
            weight.data = weight.data.to(dtypes[name])


def ordered(trainer_class: type, padding_row: dict) -> type:
    """``trainer_class`` (a ``transformers.Trainer``) whose rows come in an order that can be resumed.

    Several processes fill up an epoch's last batch with ``padding_row``, which carries no loss. Accelerate would
    take rows from the epoch's beginning, which then count twice. Its warmup of W steps rises to the full rate in W + 1
    equal parts: Transformers' begins at rate 0, and wastes the first step, all that a run of one step has.
    """

    class Ordered(trainer_class):
        def create_scheduler(self, num_training_steps, optimizer=None):
            from torch.optim.lr_scheduler import LambdaLR

            warmup = self.args.get_warmup_steps(num_training_steps)
            if self.lr_scheduler is None and warmup:
                usual = super().create_scheduler(num_training_steps, optimizer)
                rates = [
                    lambda step, rate=rate: (step + 1) / (warmup + 1) if step < warmup else rate(step)
                    for rate in usual.lr_lambdas
                ]
                self.lr_scheduler = LambdaLR(usual.optimizer, rates)
            return super().create_scheduler(num_training_steps, optimizer)

        def _get_dataloader(self, dataset, is_training=False, **rest):
            if is_training and len(dataset) % self._rows_at_once:
                from datasets import Dataset, concatenate_datasets

                row = {name: padding_row[name] for name in dataset.column_names}
                dataset = concatenate_datasets([dataset, Dataset.from_list([row], features=dataset.features)])
            return super()._get_dataloader(dataset, is_training=is_training, **rest)

        def _get_train_sampler(self, train_dataset=None):
            rows, lengths = self.train_dataset, None
            if self.args.train_sampling_strategy == "group_by_length":
                lengths = [len(ids) for ids in rows["input_ids"]]
            batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
            if not self.accelerator.split_batches:
                batch *= self.args.world_size
            self._order = EpochOrder(len(rows), self.args.seed, lengths, batch, self._rows_at_once)
            return self._order

        @property
        def _rows_at_once(self) -> int:
            """Rows that several processes take together; any number for one."""
            if self.args.world_size == 1:
                return 1
            return self.args.train_batch_size * (1 if self.accelerator.split_batches else self.args.world_size)

        def _run_epoch(self, *, epoch, **rest):
            self._order.epoch = epoch
            super()._run_epoch(epoch=epoch, **rest)

        def evaluation_loop(self, *given, **named):
            balanced = balance_routers(self, False)
            try:
                return super().evaluation_loop(*given, **named)
            finally:
                balance_routers(self, balanced)

    return Ordered


def balance_routers(trainer, wanted: bool) -> bool:
    """Whether the loss had the balance of a mixture's routers in it; from here it has if ``wanted`` and if it can.

    The balance is trained for, but an evaluation is of the rows alone: it says nothing of their answers.
    """
    before = getattr(trainer, "aux_loss_enabled", False)
    if before != wanted:
        trainer.aux_loss_enabled = trainer.model.config.get_text_config().output_router_logits = wanted
    return before


class EpochOrder(Sampler):
    """Positions of ``rows`` rows in an order that the seed and the epoch alone decide.

    Transformers uses the global generator, whose state in the middle of a later epoch depends on all that happened
    before: a resumed run would then see other rows. With ``lengths``, rows of like length go together. The position
    after the last row, that of the padding row, fills up to a multiple of ``at_once``.
    """

    def __init__(self, rows: int, seed: int, lengths: list[int] | None = None, batch: int = 1, at_once: int = 1):
        self.rows, self.seed, self.lengths, self.batch = rows, seed, lengths, batch
        self.padding_rows = -rows % at_once
        self.epoch = 0

    def __len__(self) -> int:
        return self.rows + self.padding_rows

    def __iter__(self):
        import torch
        from transformers.trainer_pt_utils import get_length_grouped_indices

        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        if self.lengths is None:
            order = torch.randperm(self.rows, generator=generator).tolist()
        else:
            order = get_length_grouped_indices(self.lengths, self.batch, generator=generator)
        return iter(order + [self.rows] * self.padding_rows)


def computes_in_16_bits(precision: str) -> bool:
    """True for mixed precision (autocast), with ``cast_once`` where there is an adapter: all but ``fp32``."""
    return precision != "fp32"


def base_dtype(precision: str, trains_base: bool) -> str:
    """The dtype that the base is loaded in, as torch calls it: fp32 if it is trained, else that of the precision."""
    return "float32" if trains_base else {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}[precision]


def keep_sums_precise(accelerator) -> None:
    """Have models that ``accelerator`` shards (FSDP 2) sum gradients and return outputs in fp32.

    It rounds both to 16 bits otherwise: DPO's loss, a difference of sums of hundreds, then began at 0.691 instead of
    0.693, and fell below zero.
    """
    import torch

    plugin = compat.fsdp_plugin(accelerator)
    if plugin and plugin.mixed_precision_policy:
        precise = {"reduce_dtype": torch.float32, "output_dtype": None}
        plugin.mixed_precision_policy = replace(plugin.mixed_precision_policy, **precise)


def scores_trained_tokens_only(device) -> bool:
    """True for a ``torch.device`` on which the loss computes logits of trained tokens only: a CPU, or with Triton."""
    return device.type == "cpu" or compat.has_triton(device)


def suit_chunked_loss(model) -> None:
    """Let TRL's chunked head find what it asks of ``model``: its decoder and its number of experts.

    It takes ``base_model`` for the decoder, which is the model itself where its prefix names no part of it (Llama 4);
    and ``num_experts``, which some mixtures of experts call otherwise (Granite, Phi-3.5, DeepSeek V4). It asks routers
    for their balance wherever a config could have them: also in a dense model of such a family (Doge). None of it is
    saved.
    """
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    if base.base_model is base:
        decoder = base.get_decoder()
        while decoder.get_output_embeddings() is not None:
            decoder = next(part for part in decoder.children() if hasattr(part, "get_input_embeddings"))
        if decoder is not base:
            vars(base)["own_decoder"] = decoder  # beside the modules, so that its weights have one name
            base.base_model_prefix = "own_decoder"
    config = base.config.get_text_config()
    experts = config.attribute_map.get("num_local_experts", "num_local_experts")
    if hasattr(config, experts) and not hasattr(config, "num_experts"):
        type(config).attribute_map = {**type(config).attribute_map, "num_experts": experts}
    if is_without_routers(base):
        config.router_aux_loss_coef = 0.0


def is_without_routers(base) -> bool:
    """True if no layer of ``base`` has a router of the kind whose logits Transformers records for this family."""
    recorded = [
        (part, spec)
        for part in base.modules()
        if isinstance(specs := getattr(part, "can_record_outputs", None), dict) and "router_logits" in specs
        for spec in (specs["router_logits"] if isinstance(specs["router_logits"], list) else [specs["router_logits"]])
    ]
    kinds = [(part, getattr(spec, "target_class", spec)) for part, spec in recorded]
    return bool(kinds) and not any(
        isinstance(kind, str) or any(isinstance(layer, kind) for layer in part.modules()) for part, kind in kinds
    )


def require_finite(model, step: int) -> None:
    """``DivergedError`` if a trained weight is no longer a number."""
    import torch

    for name, weight in model.named_parameters():
        if weight.requires_grad and not torch.isfinite(weight).all():
            raise DivergedError(
                f"Training diverged: at step {step:,} weights of {name} are no longer numbers.",
                "Start again with a learning rate three to ten times lower.",
            )


def checkpoint_bytes(model) -> int:
    """Bytes of a checkpoint: the saved weights (an adapter's, or all of a whole model) and AdamW's two moments."""
    is_whole = not hasattr(model, "peft_config")
    saved = sum(each.numel() * each.element_size() for each in model.parameters() if is_whole or each.requires_grad)
    return saved + sum(8 * weight.numel() for weight in model.parameters() if weight.requires_grad)


def random_state() -> tuple:
    """The states of torch's random generators, which dropout uses: the CPU's, and each GPU's."""
    import torch

    return torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []


def set_random_state(states: tuple) -> None:
    """Put the generators back into the ``states`` that ``random_state`` returned."""
    import torch

    cpu, gpus = states
    torch.set_rng_state(cpu)
    if gpus:
        torch.cuda.set_rng_state_all(gpus)


def optimizer_of(trainer) -> str:
    """The name of the optimizer; two variants of AdamW whose states are alike have the same."""
    name = str(getattr(trainer.args.optim, "value", trainer.args.optim))
    return "adamw" if name.startswith("adamw_torch") else name


def _write_state(adapter: Adapter | None, model, folder: Path) -> None:
    """Write what ``adapter`` needs beside PEFT's own file to ``folder``, if anything."""
    if state := adapter.state_of(model) if adapter else {}:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, folder / STATE)


def _flatten(folder: Path, inner: str) -> None:
    """Move what the trainer wrote into an inner folder up into ``folder``."""
    for path in (folder / inner).iterdir():
        path.rename(folder / path.name)
    (folder / inner).rmdir()


def _load_scheduler(scheduler, checkpoint: Path) -> None:
    import torch

    scheduler.load_state_dict(torch.load(checkpoint / "scheduler.pt", weights_only=True))
