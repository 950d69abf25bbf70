"""Private names that ``finetune.compat`` cannot wrap: methods that are overridden, and names in repeated source."""

from finetune.private import PrivateName

IN_PLACE: tuple[PrivateName, ...] = tuple(
    PrivateName.declared(*row)
    for row in (
        (
            "transformers.Trainer.create_accelerator_and_postprocess(self)",
            "finetune.training.trainer.durable",
            "The one moment between the creation of the accelerator and the sharding of the model. Without it gradients"
            " are summed in 16 bits under FSDP.",
        ),
        (
            "transformers.Trainer._get_output_dir(self, trial)",
            "finetune.training.trainer.durable",
            "Checkpoints are written under a staging name. Without it a process that is killed while it saves leaves"
            " half a checkpoint that looks whole.",
        ),
        (
            "transformers.Trainer._save_checkpoint(self, model, trial)",
            "finetune.training.trainer.durable",
            "The staged checkpoint is checked, described by a manifest and renamed. Without it weights that are not"
            " finite are saved, and a resumed run cannot recognize a damaged checkpoint.",
        ),
        (
            "transformers.Trainer._load_optimizer_and_scheduler(self, checkpoint)",
            "finetune.training.trainer.durable",
            "A fallback may have changed the optimizer. Without it a resumed run loads the state of another optimizer.",
        ),
        (
            "transformers.Trainer._get_dataloader"
            "(self, dataset, description, batch_size, sampler_fn, is_training, dataloader_key)",
            "finetune.training.trainer.ordered",
            "Padding rows fill up an epoch's last batch. Without it, in several processes, Accelerate repeats rows from"
            " the start of the epoch, which then count twice.",
        ),
        (
            "transformers.Trainer._get_train_sampler(self, train_dataset)",
            "finetune.training.trainer.ordered",
            "The order of rows follows from the seed and the epoch. Without it a resumed run sees other rows than one"
            " that was never interrupted.",
        ),
        (
            "transformers.Trainer._run_epoch(self, model, epoch, train_dataloader, steps_in_epoch,"
            " num_update_steps_per_epoch, trial, ignore_keys_for_eval, start_time, resume_from_checkpoint,"
            " epochs_trained, steps_trained_in_current_epoch)",
            "finetune.training.trainer.ordered",
            "Passes the epoch to the order of rows. Without it each epoch has the order of the first.",
        ),
        (
            "transformers.trainer_pt_utils.get_length_grouped_indices(lengths, batch_size, mega_batch_mult, generator)",
            "finetune.training.trainer.EpochOrder",
            "Rows of like length share a batch. Without it a batch is mostly padding.",
        ),
        (
            "bitsandbytes.nn.Linear4bit.support_avx512bf16_for_cpu",
            "finetune.models.loading.keep_gradients",
            "Keeps 4-bit layers differentiable on a CPU with bf16 instructions. Without it LoRA's gradients point"
            " elsewhere while the loss still falls.",
        ),
        (
            "trl.kernels.ChunkedLogProbFunction.forward(ctx, hidden, weight, bias, targets, temperature, chunk_size,"
            " final_logit_softcapping, logit_scale, outputs)",
            "finetune.fit.profile",
            "The memory profile runs the trainer's own loss. Without it the logits, the largest tensors of a step, have"
            " to be guessed.",
        ),
        (
            "gradio.context.LocalContext.request",
            "finetune.ui.visitor.current",
            "Tells a handler whose event it handles, however deep in its calls. Without it each of a hundred handlers"
            " would have to pass its request on, and one that forgets would show everything to everyone.",
        ),
    )
)
"""Names that cannot be wrapped: the name, who uses it, and why.

The source of ``ordered``, ``EpochOrder``, ``prepared`` and ``keep_gradients`` is part of an exported script, which does
not import this program.
"""
