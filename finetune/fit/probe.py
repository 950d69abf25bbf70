"""One measured step: the recipe's own trainer on the longest rows it will meet, in a process of its own.

The page's process and memory stay as they are, and a step that does not fit ends that process and nothing else.

    python -m finetune.fit.probe < recipe.yaml      measures in this process and prints one JSON object
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from finetune.data.counts import Counts
from finetune.errors import FinetuneError, ModelError, RunError
from finetune.machine import hardware
from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.lease import Lease
from finetune.machine.libraries import load
from finetune.machine.peak import Peak
from finetune.models.locate import downloaded
from finetune.models.preview import folder_of
from finetune.paths import PROJECT
from finetune.recipe import Recipe
from finetune.runs.checkpoints import Checkpoints
from finetune.runs.workspace import Workspace
from finetune.training.attempt import Attempt, build
from finetune.training.prepare import prepare, sequence_tokens
from finetune.training.sample_answers import SampleAnswers
from finetune.training.start import load_start
from finetune.training.train import count

LONGEST_STEPS = 2
"""Steps on the longest rows: the first makes the optimizer state, the second has it beside everything else."""
TYPICAL_STEPS = 3
"""Steps on rows of median length, for the time; the first of them is not counted."""
OUT_OF_MEMORY = "The measured step ran out of memory: it does not fit."
SAMPLED_TOKENS = 16
"""Tokens of a sample answer that are timed; longer ones are taken to cost the same per token."""


@dataclass(frozen=True)
class Measured:
    """What one step on the longest rows took on this machine, and what the whole run comes to."""

    peak_bytes: int
    """CPU: growth of the process's resident memory since before the model was loaded. GPU: peak allocated."""
    seconds_per_step: float
    """On rows of median length, all micro-batches together."""
    longest_step_s: float
    steps: int
    """Steps of the whole run."""
    eta_s: float
    """The whole run: loading, steps, evaluations with their sample answers."""
    parameters: int
    trainable: int


def measured(recipe: Recipe, workspace: Workspace, timeout_s: float = 900) -> Measured:
    """What a fresh process measures; a ``FinetuneError`` of its own is raised here too, ``RunError`` if it died.

    Nothing is downloaded to be measured: ``ModelError`` for a model that is not on this machine.
    """
    if downloaded(recipe.model, workspace) is None:
        raise ModelError(
            f"{recipe.model.id} is not on this machine yet, and only a model that is here can be measured.",
            f"The estimate above needs no download. Or download it with `hf download {recipe.model.id}`.",
        )
    command = [sys.executable, "-m", "finetune.fit.probe", str(workspace.path)]
    text = recipe.to_yaml(full=True)
    try:
        done = subprocess.run(command, input=text, cwd=PROJECT, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise RunError(
            f"A measured step took longer than {timeout_s / 60:.0f} minutes.", "Choose a shorter length."
        ) from None
    if done.returncode == -9:
        raise RunError(OUT_OF_MEMORY, "Choose a smaller setting.")
    facts = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    if "message" in facts:
        raise RunError(facts["message"], facts["hint"])
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RunError("The step could not be measured.", f"It ended with: {last}")
    return Measured(**facts)


def count_tokens(recipe: Recipe, workspace: Workspace) -> Counts:
    """What is counted of training and held-out rows; nothing while neither the model nor its outline is here."""
    if folder_of(recipe.model, workspace) is None:
        return Counts()
    rows = prepare(recipe, workspace).rows
    return replace(rows.counts, held_out=len(rows.held_out))


def measure(recipe: Recipe, workspace: Workspace) -> Measured:
    """Build the trainer as ``train`` does, and measure it here; the device is held meanwhile, or ``BusyError``."""
    _offer_to_be_killed_first()
    load()
    began = time.monotonic()
    with Lease(workspace.path).take(), tempfile.TemporaryDirectory() as folder:
        attempt = _attempt(recipe, workspace, Path(folder))
        peak, clock = Peak(attempt.machine), _clock()
        attempt.model = load_start(attempt.recipe, workspace, attempt.machine, attempt.precision)
        trainer = build(attempt, clock)
        prepared = time.monotonic() - began
        steps = _steps(recipe, trainer, attempt.prepared.defaults.epochs)
        _arrange(trainer)
        trainer.train()
        evaluations = _evaluation_seconds(attempt, trainer)
        step = mean(clock.seconds[LONGEST_STEPS + 1 :])
        return Measured(
            peak_bytes=peak.bytes(),
            seconds_per_step=round(step, 4),
            longest_step_s=round(clock.seconds[LONGEST_STEPS - 1], 4),
            steps=steps,
            eta_s=round(prepared + steps * step + evaluations, 1),
            parameters=count(trainer.model, trainable=False),
            trainable=count(trainer.model, trainable=True),
        )


def _attempt(recipe: Recipe, workspace: Workspace, folder: Path) -> Attempt:
    """An attempt that ends after the few steps to be measured, its model not yet loaded; it saves to ``folder``."""
    few = recipe.changed(**{"training.max_steps": LONGEST_STEPS + TYPICAL_STEPS})
    machine, prepared = hardware.machine(), prepare(recipe, workspace)
    micro_batch = min(prepared.defaults.micro_batch, len(prepared.rows.train))
    prepared.defaults = replace(prepared.defaults, micro_batch=micro_batch)
    precision = hardware.choose_precision(machine, recipe.training.precision).value
    return Attempt(few, workspace, machine, Checkpoints(folder), precision=precision, prepared=prepared)


def _clock():
    """A callback whose ``seconds`` are the times of the steps."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def __init__(self):
            self.seconds: list[float] = []

        def on_step_begin(self, *_, **__):
            self._began = time.monotonic()

        def on_step_end(self, *_, **__):
            self.seconds.append(time.monotonic() - self._began)

    return Clock()


def _steps(recipe: Recipe, trainer, epochs: float) -> int:
    """Optimizer steps of the whole run, counted as Transformers counts them."""
    batches = -(-len(trainer.train_dataset) // trainer.args.per_device_train_batch_size)
    per_epoch = -(-batches // trainer.args.gradient_accumulation_steps)
    return recipe.training.max_steps or -int(-epochs * per_epoch // 1)


def _arrange(trainer) -> None:
    """Put the longest rows first, then those of median length, each as often as its steps need."""
    rows = trainer.train_dataset
    order = sorted(range(len(rows)), key=lambda n: sequence_tokens(rows[n]), reverse=True)
    batch = trainer.args.per_device_train_batch_size * trainer.args.gradient_accumulation_steps
    middle = order[max(0, (len(order) - batch) // 2) :]
    chosen = _cycled(order, batch) * LONGEST_STEPS + _cycled(middle, batch) * TYPICAL_STEPS
    trainer.train_dataset = rows.select(chosen)
    trainer.args.train_sampling_strategy = "sequential"


def _cycled(order: list[int], size: int) -> list[int]:
    """The first ``size`` of ``order``, from its beginning again where there are fewer."""
    return [order[n % len(order)] for n in range(size)]


def _evaluation_seconds(attempt: Attempt, trainer) -> float:
    """All evaluations of the run: held-out rows and sample answers, with one before the first step."""
    recipe, rows = attempt.recipe, attempt.prepared.rows
    seconds, evaluations = 0.0, recipe.evaluation.times + 1 if recipe.evaluation.times else 0
    if not evaluations:
        return 0.0
    if rows.held_out:
        batch = trainer.args.per_device_eval_batch_size
        order = sorted(range(len(rows.held_out)), key=lambda n: sequence_tokens(rows.held_out[n]), reverse=True)
        some = trainer.eval_dataset.select(order[: 2 * batch])
        seconds += _timed(lambda: trainer.evaluate(some)) * len(rows.held_out) / len(some)
    tokens = min(SAMPLED_TOKENS, recipe.evaluation.max_tokens)
    sample_answers = SampleAnswers(rows.prompts, attempt.prepared.tokenizer, tokens)
    with trainer.accelerator.autocast():
        seconds += _timed(lambda: sample_answers.answers(trainer.model)) * recipe.evaluation.max_tokens / tokens
    return evaluations * seconds


def _offer_to_be_killed_first() -> None:
    """Where memory runs out, Linux kills this process before any other (proc(5), oom_score_adj)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _timed(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def main() -> int:
    """Measure the recipe on stdin in the workspace that the first argument names; the facts are the last line."""
    try:
        facts = asdict(measure(Recipe.from_yaml(sys.stdin.read()), Workspace(Path(sys.argv[1]))))
    except FinetuneError as error:
        facts = {"message": error.message, "hint": error.hint}
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        facts = {"message": OUT_OF_MEMORY, "hint": "Choose a smaller setting."}
    print(json.dumps(facts))
    return 2 if "message" in facts else 0


if __name__ == "__main__":
    sys.exit(main())
