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
from finetune.errors import FinetuneError, RunError
from finetune.fit.estimate import on_this_machine
from finetune.machine import hardware
from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.lease import Lease
from finetune.machine.libraries import load
from finetune.machine.peak import Peak
from finetune.model import load_config, load_tokenizer
from finetune.paths import PROJECT
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training.defaults import plan
from finetune.training.prepare import length, prepare
from finetune.training.sample_answers import Sampler
from finetune.training.train import Attempt, build, count, load_start

LONGEST_STEPS = 2
"""Steps on the longest rows: the first makes the optimizer's state, the second has it beside everything else."""
TYPICAL_STEPS = 3
"""Steps on rows of middle length, for the time; the first of them is not counted."""
OUT_OF_MEMORY = "The measured step ran out of memory: it does not fit."
SAMPLED_TOKENS = 16
"""Tokens of a sample answer that are timed; longer answers are taken to cost the same per token."""


@dataclass(frozen=True)
class Measured:
    """What one step on the longest rows took on this machine, and what the whole run follows to."""

    peak_bytes: int
    """CPU: growth of the process's resident memory since before the model was loaded. GPU: peak allocated."""
    seconds_per_step: float
    """On rows of middle length, all parts of the batch together."""
    longest_step_s: float
    steps: int
    """Steps of the whole run."""
    eta_s: float
    """The whole run: loading, steps, held-out checks with their sample answers."""
    parameters: int
    trainable: int


def measured(recipe: Recipe, workspace: Workspace, timeout_s: float = 900) -> Measured:
    """What a fresh process measures; a ``FinetuneError`` of its own is raised here too, ``RunError`` if it died."""
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


def counted(recipe: Recipe, workspace: Workspace) -> Counts:
    """What is counted of the rows to learn from, and of those kept; nothing while the model is not on this machine."""
    if on_this_machine(recipe.model, workspace) is None:
        return Counts()
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder), recipe)
        rows = prepare(run, recipe, workspace, load_tokenizer(recipe.model, workspace))
        return replace(rows.counts, held_out=len(rows.held_out))


def measure(recipe: Recipe, workspace: Workspace) -> Measured:
    """Build the trainer as ``train`` does, and measure it here; the device is held meanwhile, or ``BusyError``."""
    _offer_to_be_ended_first()
    load()
    began = time.monotonic()
    with Lease(workspace.path).take(), tempfile.TemporaryDirectory() as folder:
        tokenizer = load_tokenizer(recipe.model, workspace)
        attempt = _attempt(Run.create(Path(folder), recipe), recipe, workspace, tokenizer)
        peak, clock = Peak(attempt.machine), _clock()
        attempt.model = load_start(attempt)
        trainer = build(attempt, tokenizer, clock)
        prepared = time.monotonic() - began
        steps = _steps(recipe, trainer, attempt.plan.epochs)
        _arrange(trainer)
        trainer.train()
        checks = _check_seconds(attempt, trainer, tokenizer)
        step = mean(clock.seconds[LONGEST_STEPS + 1 :])
        return Measured(
            peak_bytes=peak.bytes(),
            seconds_per_step=round(step, 4),
            longest_step_s=round(clock.seconds[LONGEST_STEPS - 1], 4),
            steps=steps,
            eta_s=round(prepared + steps * step + checks, 1),
            parameters=count(trainer.model, trainable=False),
            trainable=count(trainer.model, trainable=True),
        )


def _attempt(run: Run, recipe: Recipe, workspace: Workspace, tokenizer) -> Attempt:
    """A run's attempt that ends after the few steps to be measured, its model not yet loaded."""
    few = recipe.changed(**{"training.max_steps": LONGEST_STEPS + TYPICAL_STEPS})
    machine = hardware.machine()
    attempt = Attempt(run, few, workspace, machine)
    attempt.precision = hardware.choose_precision(machine, recipe.training.precision).value
    attempt.rows = prepare(run, recipe, workspace, tokenizer)
    hidden = load_config(recipe.model, workspace).get_text_config().hidden_size
    settled = plan(recipe, [length(row) for row in attempt.rows.train], hidden)
    attempt.plan = replace(settled, micro_batch=min(settled.micro_batch, len(attempt.rows.train)))
    return attempt


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
    """Put the longest rows first, then those of middle length, each as often as its steps need."""
    rows = trainer.train_dataset
    order = sorted(range(len(rows)), key=lambda n: width(rows[n]), reverse=True)
    batch = trainer.args.per_device_train_batch_size * trainer.args.gradient_accumulation_steps
    middle = order[max(0, (len(order) - batch) // 2) :]
    chosen = _cycled(order, batch) * LONGEST_STEPS + _cycled(middle, batch) * TYPICAL_STEPS
    trainer.train_dataset = rows.select(chosen)
    trainer.args.train_sampling_strategy = "sequential"


def _cycled(order: list[int], size: int) -> list[int]:
    """The first ``size`` of ``order``, from its beginning again where there are fewer."""
    return [order[n % len(order)] for n in range(size)]


def width(row: dict) -> int:
    """Tokens of the longest sequence that a trainer's row becomes: of a pair, the prompt with its longer answer."""
    prompt = len(row.get("prompt_ids", ()))
    return prompt + max(len(ids) for name, ids in row.items() if name.endswith("ids") and name != "prompt_ids")


def _check_seconds(attempt: Attempt, trainer, tokenizer) -> float:
    """All the run's looks at itself: held-out rows scored and sample answers written, one before the first step."""
    recipe, rows = attempt.recipe, attempt.rows
    seconds, looks = 0.0, recipe.evaluation.times + 1 if recipe.evaluation.times else 0
    if not looks:
        return 0.0
    if rows.held_out:
        batch = trainer.args.per_device_eval_batch_size
        order = sorted(range(len(rows.held_out)), key=lambda n: width(rows.held_out[n]), reverse=True)
        some = trainer.eval_dataset.select(order[: 2 * batch])
        seconds += _timed(lambda: trainer.evaluate(some)) * len(rows.held_out) / len(some)
    tokens = min(SAMPLED_TOKENS, recipe.evaluation.max_tokens)
    sampler = Sampler(rows.prompts, tokenizer, tokens)
    with trainer.accelerator.autocast():
        seconds += _timed(lambda: sampler.answers(trainer.model)) * recipe.evaluation.max_tokens / tokens
    return looks * seconds


def _offer_to_be_ended_first() -> None:
    """Where memory runs out, Linux ends this process before any other (proc(5), oom_score_adj)."""
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
