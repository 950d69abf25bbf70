"""How fast training is, compared with TRL's defaults, and what the page costs it.

    python -m tests.benchmarks.training [--samples pirate-voice,ticket-json] [--runs 3] [--polls 500] [--write]

Two ways to train the starter on the same rows of a sample with the same LoRA, learning rate, batch size and seed, each
in its own process, alternating; medians. Tokens per second count the tokens of the rows without padding over the time
of the steps, without evaluations. The held-out loss afterwards is computed for both in the same way.

    trl      ``SFTTrainer`` with TRL's defaults, on rows that are tokenized and masked already
    bare     the trainer that Finetune Studio builds, called directly
    watched  the same in the app, with its events and three viewers of the page, while it has minutes to go; this cost
             is measured within one run (see ``watching.py``), because runs differ from each other by more

``--write`` records the figures in assets/benchmarks.json, from which the README's table is made.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from finetune.paths import ASSETS
from finetune.runs.workspace import Workspace

WAYS = ("trl", "bare")
FIGURES = ASSETS / "benchmarks.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", default="pirate-voice,ticket-json")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--polls", type=int, default=500, help="polls of the page, to measure the cost of viewers")
    parser.add_argument("--write", action="store_true", help="record the figures for the README")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "SAMPLE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, sample = options.one
        print(json.dumps(watched(sample, options.polls) if way == "watched" else measure(way, sample, options.epochs)))
        return
    print("sample            way      tokens/s  against trl  against bare  held-out loss")
    found = []
    for sample in options.samples.split(","):
        found += compare(sample, options.runs, options.epochs, options.polls)
    if options.write:
        kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps(kept | {"training": found}, indent=1) + "\n", encoding="utf-8")


def compare(sample: str, runs: int, epochs: float, polls: int) -> list[dict]:
    """The figures of each way, medians of ``runs``."""
    taken = {way: [] for way in WAYS}
    for _ in range(runs):
        for way, found in taken.items():
            found.append(apart(way, sample, "--epochs", str(epochs)))
    taken["watched"] = taken["bare"]
    speed = {way: statistics.median(one["tokens_per_s"] for one in found) for way, found in taken.items()}
    cost = apart("watched", sample, "--polls", str(polls))
    speed["watched"] *= cost["speed"]
    lines = []
    for way, found in taken.items():
        line = {
            "sample": sample,
            "way": way,
            "tokens_per_s": round(speed[way]),
            "against_trl": round(speed[way] / speed["trl"], 2),
            "against_bare": round(speed[way] / speed["bare"], 3),
            "held_out_loss": round(statistics.median(one["held_out_loss"] for one in found), 4),
        }
        print(
            f"{sample:17} {way:8} {line['tokens_per_s']:8,} {line['against_trl']:12.2f} {line['against_bare']:13.3f}"
            f" {line['held_out_loss']:14.4f}",
            flush=True,
        )
        lines.append(line)
    print(f"{sample:17} {json.dumps(cost)}", flush=True)
    lines[-1]["cost"] = cost
    return lines


def apart(way: str, sample: str, *options: str):
    """The figures of ``way``, measured in its own process."""
    command = [sys.executable, "-m", __spec__.name, *options, "--one", way, sample]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def watched(sample: str, polls: int) -> dict:
    """The cost of viewers: speed relative to that without, with minutes to go and in the last one, and its parts."""
    from finetune.ui.clock import CALM, TICK_S
    from tests.benchmarks import watching

    os.environ.update(HF_HUB_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False")
    cost = watching.watched(recipe(sample, 1).changed(**{"evaluation.times": 0}), polls)
    return {
        "speed": round(cost.speed(CALM[0][1]), 3),
        "speed_in_the_last_minute": round(cost.speed(TICK_S), 3),
        "poll_ms": round(1e3 * cost.poll_s, 1),
        "standard_error_ms": round(1e3 * cost.error_s, 1),
        "events": round(cost.events, 4),
    }


def measure(way: str, sample: str, epochs: float) -> dict:
    """One training of ``sample``: tokens per second of its steps, and the loss on held-out rows after it."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from finetune.machine.libraries import load
    from finetune.training.attempt import Attempt

    load()
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        workspace = Workspace(Path(folder))
        run = workspace.create(recipe(sample, epochs))
        attempt = prepared(Attempt, run, workspace)
        return plain(attempt) if way == "trl" else bare(attempt)


def recipe(sample: str, epochs: float):
    from finetune.recipe import Recipe

    return Recipe.from_dict(
        {
            "name": sample,
            "data": {"path": f"assets/samples/{sample}.jsonl"},
            "training": {"epochs": epochs},
            "evaluation": {"times": 1, "max_tokens": 1},
        }
    )


def prepared(attempt_class, run, workspace):
    """The attempt as ``train`` has it when it builds the trainer."""
    from finetune.machine import hardware
    from finetune.training.prepare import prepare
    from finetune.training.start import load_start

    attempt = attempt_class(run.recipe, workspace, hardware.machine(), run.checkpoints, run)
    attempt.precision = hardware.choose_precision(attempt.machine).value
    attempt.prepared = prepare(attempt.recipe, workspace)
    attempt.model = load_start(attempt.recipe, attempt.workspace, attempt.machine, attempt.precision)
    return attempt


def bare(attempt) -> dict:
    """The trainer of Finetune Studio without a run around it."""
    from finetune.training.attempt import build

    clock = Clock()
    trainer = build(attempt, clock.callback())
    trainer.train()
    return figures(attempt, trainer, clock.seconds)


def plain(attempt) -> dict:
    """TRL's defaults: padded batches in random order, autocast and activation checkpointing as it sets them."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, set_seed
    from trl import SFTConfig, SFTTrainer

    from finetune.models.locate import STARTER
    from finetune.models.tokenizer import load_tokenizer

    defaults, training, clock = attempt.prepared.defaults, attempt.recipe.training, Clock()
    set_seed(training.seed)
    trainer = SFTTrainer(
        # As SFTTrainer loads a model by its name.
        model=AutoModelForCausalLM.from_pretrained(STARTER, dtype="float32"),
        args=SFTConfig(
            output_dir=str(attempt.run.path / "plain"),
            per_device_train_batch_size=defaults.batch_size,
            num_train_epochs=defaults.epochs,
            learning_rate=defaults.learning_rate,
            lr_scheduler_type=training.schedule,
            warmup_steps=training.warmup,
            weight_decay=training.weight_decay,
            seed=training.seed,
            use_cpu=attempt.machine.device == "cpu",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=Dataset.from_list(attempt.prepared.rows.train),
        eval_dataset=Dataset.from_list(attempt.prepared.rows.held_out),
        processing_class=load_tokenizer(attempt.recipe.model, attempt.workspace),
        peft_config=attempt.recipe.adapter.peft_config(),
        callbacks=[clock.callback()],
    )
    trainer.train()
    return figures(attempt, trainer, clock.seconds)


def figures(attempt, trainer, seconds: float) -> dict:
    from finetune.training.prepare import row_tokens

    tokens = sum(map(row_tokens, attempt.prepared.rows.train)) * trainer.state.epoch
    return {"tokens_per_s": tokens / seconds, "held_out_loss": trainer.evaluate()["eval_loss"]}


class Clock:
    """The time of all steps, from the mean step time after the first."""

    def __init__(self):
        self._ends: list[float] = []

    @property
    def seconds(self) -> float:
        return paced(self._ends[-1] - self._ends[0], len(self._ends))

    def callback(self):
        from transformers import TrainerCallback

        ends = self._ends

        class Stopwatch(TrainerCallback):
            def on_step_end(self, *_, **__):
                ends.append(time.perf_counter())

        return Stopwatch()


def paced(seconds: float, steps: int) -> float:
    """The time of ``steps`` steps, of which all but the first took ``seconds``."""
    return seconds * steps / (steps - 1)


if __name__ == "__main__":
    main()
