"""Rebuilds the starter: tokenizer, model, measured accuracy, model card and samples; two options do only a part."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from finetune.starter import SAMPLES_DIR, STARTER_DIR
from finetune.starter.samples import write_samples

STEPS = 6400
STEPS_PER_MINUTE = 90
MEASURED_QUESTIONS = 1590


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    if _is_first() and not options.measure:
        write_samples(options.samples)
    if not (options.samples_only or options.measure):
        steps = round(options.minutes * STEPS_PER_MINUTE) if options.minutes else options.steps
        build(options.out, steps, options.seed, options.weights, options.peak)
    if _is_first() and not options.samples_only:
        describe(options.out)


def build(out: Path, steps: int, seed: int, weights: Path | None = None, peak: float = 1.0) -> None:
    """Train tokenizer and model and save them to `out`, every 250 steps and at the end; the accuracy goes to stdout.

    `weights`: a folder with an earlier starter to train further, instead of random weights and a new tokenizer.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.starter.measure import measure
    from finetune.starter.pretrain import new_model, pretrain, save
    from finetune.starter.tokenizer import train_tokenizer
    from finetune.starter.world import held_out_questions

    questions = held_out_questions(212)
    if weights:
        tokenizer = AutoTokenizer.from_pretrained(weights)
        model = AutoModelForCausalLM.from_pretrained(weights, dtype="float32")
    else:
        tokenizer = train_tokenizer(seed)
        model = new_model(seed, tokenizer.pad_token_id, tokenizer.eos_token_id)

    def keep(model, step):
        put(model)
        figures = measure(model.eval(), tokenizer, questions)
        model.train()
        weakest = sorted(figures.kinds.items(), key=lambda pair: pair[1])[:8]
        _say(f"step {step}: {figures.right:.1%} right, {figures.ended:.1%} ended; weakest {weakest}")

    def put(model):
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            save(model, tokenizer, Path(folder))
            out.mkdir(parents=True, exist_ok=True)
            for file in Path(folder).iterdir():
                file.chmod(0o644)
                file.replace(out / file.name)

    pretrain(model, tokenizer, steps, seed, peak, _say, keep)
    if _is_first():
        put(model)


def describe(out: Path) -> None:
    """Evaluate the model in `out` on held-out questions; writes figures.json and README.md beside it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.starter.card import write_card
    from finetune.starter.measure import measure
    from finetune.starter.world import held_out_questions

    model = AutoModelForCausalLM.from_pretrained(out, dtype="float32").eval()
    figures = measure(model, AutoTokenizer.from_pretrained(out), held_out_questions(MEASURED_QUESTIONS))
    (out / "figures.json").write_text(json.dumps(figures.as_dict(), indent=1) + "\n", encoding="utf-8")
    write_card(out, figures, model.num_parameters())
    for miss in figures.misses:
        _say(json.dumps(miss, ensure_ascii=False))
    _say(json.dumps(figures.as_dict()))


def _is_first():
    """True for a process started alone, and for rank 0 of those that `torchrun` starts."""
    return os.environ.get("RANK", "0") == "0"


def _say(line):
    print(line, flush=True)


def _options():
    parser = argparse.ArgumentParser(prog="python -m finetune.starter", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="batches of 2,048 tokens (default %(default)s)")
    parser.add_argument("--minutes", type=float, help="about this long on two cores, instead of --steps")
    parser.add_argument("--seed", type=int, default=1, help="of data and weights (default %(default)s)")
    parser.add_argument("--weights", type=Path, help="train the starter in this folder further")
    parser.add_argument("--peak", type=float, default=1.0, help="peak learning rate, as a share of the usual one")
    parser.add_argument("--out", type=Path, default=STARTER_DIR, help="where the model goes (default assets/starter)")
    parser.add_argument(
        "--samples", type=Path, default=SAMPLES_DIR, help="where the samples go (default assets/samples)"
    )
    parser.add_argument("--samples-only", action="store_true", help="write the samples and nothing else")
    parser.add_argument(
        "--measure", action="store_true", help="evaluate the existing model and write its figures and model card"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
