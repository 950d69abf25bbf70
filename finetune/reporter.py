"""The trainer's callback: turns what happens in training into events, and a request to stop into a stop.

It never changes what is learnt: answers are greedy, so no random number is drawn between two steps.
"""

import math
import time
from dataclasses import dataclass, field

from transformers import TrainerCallback

from finetune import events as said
from finetune.errors import DivergedError
from finetune.hardware import Machine, memory_used_bytes
from finetune.methods import Method
from finetune.run import Run
from finetune.sampler import Sampler

DIVERGED_AFTER = 3
"""Steps in a row with a loss that is no number before the run is given up."""


class Stopped(Exception):
    """Someone asked the run to stop while it could not finish a step; the model so far is kept."""


@dataclass
class Reporter(TrainerCallback):
    """Writes a run's events while its trainer works."""

    run: Run
    method: Method
    machine: Machine
    sampler: Sampler
    times: int
    """How often the held-out rows are scored after the start."""
    epoch_tokens: int = 0
    """Tokens in one epoch, the unlearnt ones too. TRL's own count takes a packed batch for one row of it."""
    planned: dict = field(default_factory=dict)
    """What ``Planned`` says beside the number of steps."""
    trainer: object = None
    """Set once the trainer is built; it scores the held-out rows."""

    def __post_init__(self):
        self._began = self._step_began = time.monotonic()
        self._step_seconds = 0.0
        self._pace: list[tuple[float, float]] = []
        self._not_numbers = 0
        self._evaluate_at: set[int] = set()

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        self.run.emit(said.Planned(total_steps=state.max_steps, **self.planned))
        self._began = time.monotonic()
        spaced = (round(state.max_steps * k / self.times) for k in range(1, self.times + 1))
        self._evaluate_at = {step for step in spaced if step > 0}
        if self.times and self.trainer.eval_dataset is not None:
            self.trainer.evaluate()
        elif self.times:
            self._sample(0, model)

    def on_step_begin(self, args, state, control, **kwargs):
        self._step_began = time.monotonic()

    def on_substep_end(self, args, state, control, **kwargs):
        control.should_training_stop = self.run.cancelled

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self._step_seconds += time.monotonic() - self._step_began
        if self.run.cancelled:
            control.should_training_stop = True
        elif state.global_step in self._evaluate_at:
            control.should_evaluate = self.trainer.eval_dataset is not None
            if not control.should_evaluate:
                self._sample(state.global_step, model)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" not in logs:
            return
        self._check_number(logs, state.global_step)
        self.run.emit(
            said.Stepped(
                step=state.global_step,
                epoch=logs.get("epoch", 0.0),
                loss=logs["loss"],
                learning_rate=logs.get("learning_rate", 0.0),
                grad_norm=logs.get("grad_norm"),
                tokens_per_s=self._tokens_per_s(logs.get("epoch", 0.0) * self.epoch_tokens),
                memory_bytes=memory_used_bytes(self.machine),
                elapsed_s=time.monotonic() - self._began,
                metrics=self.method.metrics(logs),
            )
        )

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        self.run.emit(
            said.Evaluated(step=state.global_step, loss=metrics["eval_loss"], metrics=self.method.metrics(metrics))
        )
        self._sample(state.global_step, model)

    def on_prediction_step(self, args, state, control, **kwargs):
        # Evaluation does not look at should_training_stop, and a long one would make Stop seem broken.
        if self.run.cancelled:
            raise Stopped

    def _sample(self, step: int, model) -> None:
        answers = self.sampler.answers(model, first=step == 0)
        if answers:
            self.run.emit(said.Sampled(step=step, answers=answers))

    def _check_number(self, logs: dict, step: int) -> None:
        self._not_numbers = 0 if math.isfinite(logs["loss"]) else self._not_numbers + 1
        if self._not_numbers >= DIVERGED_AFTER:
            raise DivergedError(
                f"The training diverged: the loss is not a number since step {step - DIVERGED_AFTER + 1}.",
                "Start again with a learning rate three to ten times lower.",
            )

    def _tokens_per_s(self, tokens: float) -> float | None:
        """Tokens per second over the last ten steps, evaluations left out; None after the first step."""
        self._pace = [*self._pace[-10:], (tokens, self._step_seconds)]
        (first, start), (last, end) = self._pace[0], self._pace[-1]
        return (last - first) / (end - start) if end > start else None
