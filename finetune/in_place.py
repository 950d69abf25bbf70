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
            "gradio.state_holder.SessionState._update_config(self, key)",
            "finetune.ui.sessions.Session",
            "The page's configuration is not copied for each session. Without it a session takes half a megabyte.",
        ),
        (
            "gradio.state_holder.SessionState._update_value_in_config(self, key, value)",
            "finetune.ui.sessions.Session",
            "The values on the page are not copied for each session. Without it a session grows with each event.",
        ),
        (
            "gradio.state_holder.SessionState._state_ttl",
            "finetune.ui.sessions.Session",
            "A session is made without its copy of the page. Without it Gradio cannot tell how old its states are.",
        ),
        (
            "gradio.state_holder.StateHolder.delete_all_expired_state(self)",
            "finetune.ui.sessions.Sessions",
            "Gradio calls it every second. Without it the sessions of closed pages stay in memory.",
        ),
        (
            "gradio.blocks.Blocks._queue",
            "finetune.ui.sessions.Sessions",
            "It holds the messages of a session, and the events at work. Without it unread answers stay in memory.",
        ),
        (
            "gradio.queueing.Queue.event_ids_to_events",
            "finetune.ui.sessions.Sessions",
            "The events at work. Without it a session is forgotten whose answer is being made.",
        ),
        (
            "gradio.queueing.Queue.pending_messages_per_session",
            "finetune.ui.sessions.Sessions",
            "The messages that a page has not read. Without it those of closed pages stay in memory.",
        ),
        (
            "gradio.queueing.Queue.pending_event_ids_session",
            "finetune.ui.sessions.Sessions",
            "The events that a page waits for. Without it those of closed pages stay in memory.",
        ),
        (
            "gradio.routes.StateHolder",
            "finetune.ui.sessions.forget_sessions",
            "Its place is taken by one that forgets. Without it the sessions of closed pages stay in memory.",
        ),
        (
            "gradio.route_utils.NamedTemporaryFile",
            "finetune.ui.uploads.note_parts",
            "What an upload writes is noted. Without it the parts of an interrupted upload stay on the disk.",
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
