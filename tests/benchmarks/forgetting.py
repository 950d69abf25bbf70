"""Catastrophic forgetting, measured: a narrow task trained without and with replay data, and what a model still knows.

    python -m tests.benchmarks.forgetting [--set SETTING=VALUE ...]

For each recipe in assets/recipes/forgetting/: the share of the starter's own held-out questions that it answers right
after training, and the share of held-out tickets that become exactly the right JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import yaml

from finetune.machine.libraries import load
from finetune.models.loading import load_base, load_tuned
from finetune.models.tokenizer import load_tokenizer
from finetune.paths import ASSETS
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.starter.measure import answers, measure
from finetune.starter.world import held_out_questions
from finetune.training.train import train

RECIPES = ASSETS / "recipes" / "forgetting"
QUESTIONS = 424
"""Of the starter's own exam, all kinds in equal shares."""


def knowledge(model, tokenizer) -> float:
    """Share of the starter's held-out questions that ``model`` answers right."""
    return measure(model.eval(), tokenizer, held_out_questions(QUESTIONS)).right


def skill(model, tokenizer, held_out: Path) -> float:
    """Share of held-out conversations that ``model`` ends exactly as they end."""
    talks = [json.loads(line)["messages"] for line in held_out.read_text(encoding="utf-8").splitlines()]
    said = answers(model.eval(), tokenizer, [talk[:-1] for talk in talks])
    return sum(text == talk[-1]["content"] for (text, _), talk in zip(said, talks)) / len(talks)


def trained(recipe: Recipe, workspace: Workspace):
    """The tuned model of a new run of ``recipe``, merged or whole, in fp32; and its seconds."""
    import torch

    began, run = time.monotonic(), workspace.create(recipe)
    with run.held():
        train(run, workspace)
    took = time.monotonic() - began
    return load_tuned(run, workspace, recipe.adapter, torch.float32), took


def main() -> None:
    """Print one line for the base and one for each recipe."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE")
    changes = {
        name: yaml.safe_load(value) for name, _, value in (each.partition("=") for each in parser.parse_args().set)
    }
    load()
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Path(home))
        for path in sorted(RECIPES.glob("*.yaml")):
            recipe = Recipe.load(path).changed(**changes)
            tokenizer = load_tokenizer(recipe.model, workspace)
            held_out = Path(recipe.data.path).with_suffix(".held-out.jsonl")
            if path == min(RECIPES.glob("*.yaml")):
                base = load_base(recipe.model, workspace, recipe.adapter, torch.float32)
                print(
                    f"{'base':28}{knowledge(base, tokenizer):8.1%}{skill(base, tokenizer, held_out):8.1%}", flush=True
                )
            model, took = trained(recipe, workspace)
            figures = f"{knowledge(model, tokenizer):8.1%}{skill(model, tokenizer, held_out):8.1%}{took:8.0f} s"
            print(f"{recipe.name:28}{figures}", flush=True)


if __name__ == "__main__":
    main()
