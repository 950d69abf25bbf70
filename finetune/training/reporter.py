"""The trainer's callback: turns what happens in training into events, and a request to end into an end.

It never changes the result: sample answers are greedy, so no random number is used between two steps.
"""

import math
import time
from dataclasses import dataclass, field

from transformers import TrainerCallback

from finetune.errors import DivergedError
from finetune.format import counted
from finetune.machine.gauges import measured
from finetune.machine.hardware import Machine
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.checkpoints import SAVE_S
from finetune.runs.diagnosis import best_sound
from finetune.runs.early_stopping import should_stop
from finetune.runs.run import Follower, Run
from finetune.training import distributed
from finetune.training.pushing import Pusher
from finetune.training.sample_answers import SampleAnswers
from finetune.training.trainer import random_state, set_random_state

DIVERGED_AFTER = 3
"""Steps in a row with a loss or a gradient that is no number before the run ends as diverged."""


class Stopped(Exception):
    """Someone asked the run to end while it could not finish a step."""


@dataclass
class Reporter(TrainerCallback):
    """Writes a run's events while its trainer works."""

    run: Run
    recipe: Recipe
    machine: Machine
    sample_answers: SampleAnswers
    epoch_tokens: int = 0
    """Tokens in one epoch, masked ones too. TRL's own count takes a packed batch for one row of it."""
    planned: dict = field(default_factory=dict)
    """What ``Planned`` says beside the number of steps."""
    trainer: object = None
    """Set once the trainer is built; it evaluates the held-out rows."""
    pusher: Pusher | None = None
    """Sends the checkpoints to the Hub, if they are to be."""

    def __post_init__(self):
        self._follower = Follower(self.run)
        self._began = self._step_began = self._saved = time.monotonic()
        self._earlier_s = self._step_seconds = 0.0
        self._pace: list[tuple[float, float]] = []
        self._not_finite = 0
        self._random_state = ()
        self._evaluations: list[events.Evaluated] = []
        self._evaluate_at: set[int] = set()

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        view, times = self._follower.poll(), self.recipe.evaluation.times
        self.run.emit(events.Planned(total_steps=state.max_steps, **self.planned))
        self._earlier_s, self._evaluations = view.elapsed_s, list(view.evaluations)
        self._began = self._saved = time.monotonic()
        self._evaluate_at = self.recipe.evaluation.evaluated_after(state.max_steps)
        if state.global_step:
            self.sample_answers.base = [answer.base for answer in view.samples[0].answers] if view.samples else []
        elif times and self._has_held_out:
            self.trainer.evaluate()
        elif times:
            self._sample(0, model)

    def on_step_begin(self, args, state, control, **kwargs):
        self._step_began = time.monotonic()
        if self.recipe.training.accumulation > 1:
            self._random_state = random_state()

    def on_substep_end(self, args, state, control, **kwargs):
        if distributed.world_size() == 1 and self.run.cancelled:
            # The step is abandoned in the middle, and repeated with the same random state when the run resumes.
            set_random_state(self._random_state)
            control.should_training_stop = control.should_save = True

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self._step_seconds += time.monotonic() - self._step_began
        ends, saves = distributed.agree(self.run.cancelled, self._is_time_to_save(state.global_step))
        if ends:
            control.should_training_stop = control.should_save = True
            return
        if state.global_step in self._evaluate_at:
            control.should_evaluate = self._has_held_out
            if not control.should_evaluate:
                self._sample(state.global_step, model)
        control.should_save = saves

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" not in logs:
            return
        self._require_finite_loss(logs, state.global_step)
        self.run.emit(
            events.Stepped(
                step=state.global_step,
                epoch=logs.get("epoch", 0.0),
                loss=logs["loss"],
                learning_rate=logs.get("learning_rate", 0.0),
                grad_norm=logs.get("grad_norm"),
                tokens_per_s=self._tokens_per_s(self._tokens(logs)),
                gauges=measured(self.machine),
                elapsed_s=self._earlier_s + time.monotonic() - self._began,
                metrics=self.recipe.method.metrics(logs),
            )
        )

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        evaluated = events.Evaluated(
            step=state.global_step, loss=metrics["eval_loss"], metrics=self.recipe.method.metrics(metrics)
        )
        self.run.emit(evaluated)
        self._sample(state.global_step, model)
        self._evaluations.append(evaluated)
        patience = self.recipe.evaluation.patience
        if patience and state.global_step < state.max_steps and should_stop(self._evaluations, patience):
            control.should_training_stop = True
            words = f"{counted(patience, 'evaluation')} in a row without improvement"
            self.run.emit(events.Noted(message=f"Early stopping at step {state.global_step:,}: {words}."))

    def on_prediction_step(self, args, state, control, **kwargs):
        # Evaluation does not look at should_training_stop, and a long one would make Stop seem broken.
        if distributed.world_size() == 1 and self.run.cancelled:
            raise Stopped

    def on_save(self, args, state, control, **kwargs):
        self._saved = time.monotonic()
        self.run.emit(
            events.Saved(what="checkpoint", path=f"checkpoints/step-{state.global_step:07d}", step=state.global_step)
        )
        best = best_sound(self._follower.poll())
        if distributed.is_main_process():
            self.run.checkpoints.prune(best.step if best else None)
            if self.pusher:
                self.pusher.offer(self.run.checkpoints.all()[-1])

    @property
    def _has_held_out(self) -> bool:
        return self.trainer.eval_dataset is not None

    def _is_time_to_save(self, step: int) -> bool:
        if every := self.recipe.training.save_steps:
            return step % every == 0 or step in self._evaluate_at
        return step in self._evaluate_at or time.monotonic() - self._saved > SAVE_S

    def _sample(self, step: int, model) -> None:
        with self.trainer.accelerator.autocast():
            answers = self.sample_answers.answers(model, first=step == 0)
        if answers:
            self.run.emit(events.Sampled(step=step, answers=answers))

    def _require_finite_loss(self, logs: dict, step: int) -> None:
        is_finite = math.isfinite(logs["loss"]) and math.isfinite(logs.get("grad_norm") or 0.0)
        self._not_finite = 0 if is_finite else self._not_finite + 1
        if self._not_finite >= DIVERGED_AFTER:
            raise DivergedError(
                f"Training diverged: the loss is not a number since step {step - DIVERGED_AFTER + 1}.",
                "Start again with a learning rate three to ten times lower.",
            )

    def _tokens(self, logs: dict) -> float:
        """Tokens so far: those of the rows, and of the answers where the model writes them."""
        if self.recipe.method.generates:
            return logs["num_tokens"]
        return logs.get("epoch", 0.0) * self.epoch_tokens

    def _tokens_per_s(self, tokens: float) -> float | None:
        """Tokens per second over the last ten steps, evaluations left out; None after the first step."""
        self._pace = [*self._pace[-10:], (tokens, self._step_seconds)]
        (first, start), (last, end) = self._pace[0], self._pace[-1]
        return (last - first) / (end - start) if end > start else None
