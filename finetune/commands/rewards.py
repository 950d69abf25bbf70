"""``rewards`` and ``prefer``: what the base earns before a run, and pairs of answers from a judge."""

import json
from dataclasses import asdict
from pathlib import Path

from finetune import modes
from finetune.commands.command import ROWS, SEED, TOKENS, Commands, answer, between, settings, take_settings, writing
from finetune.commands.judge import judge_of
from finetune.errors import DataError, RunError
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

SHOWN = 100
"""Characters of a prompt or an answer on a line."""


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    rewards = commands.add(
        "rewards", preview_rewards, "sample answers of the base to five prompts of a recipe, and what each earns"
    )
    rewards.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    take_settings(rewards, "replace a setting of the recipe, e.g. method.temperature=0.8")
    prefer = commands.add(
        "prefer",
        prefer_answers,
        "make pairs of answers from prompts: two sampled answers each, and a judge chooses",
    )
    prefer.add_argument("file", metavar="FILE", help="prompts, conversations, or any data with questions")
    prefer.add_argument("--to", type=Path, required=True, metavar="PAIRS.jsonl", help="the new file")
    prefer.add_argument("--judge", required=True, metavar="MODEL", help="a model here, or its name at the endpoint")
    prefer.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
    prefer.add_argument("--criteria", metavar="TEXT", help="what a good answer is, in words")
    prefer.add_argument("--model", default="starter", metavar="ID", help="the model that answers (default: starter)")
    prefer.add_argument("--run", metavar="RUN", help="answers of the tuned model of this run instead")
    prefer.add_argument("--rows", type=ROWS, default=200, metavar="N", help="at most so many prompts (default: 200)")
    prefer.add_argument("--max-tokens", type=TOKENS, default=128, metavar="N", help="longest answer (default: 128)")
    prefer.add_argument(
        "--temperature", type=between(0.01, 2, float), default=1, metavar="T", help="how varied (default: 1)"
    )
    prefer.add_argument("--seed", type=SEED, default=7, metavar="N", help="seed of the sampled answers (default: 7)")


def preview_rewards(options, workspace: Workspace) -> int:
    """Print groups of sampled answers with their rewards, and whether there is something to learn from."""
    from finetune.training.reward_preview import preview

    found = preview(Recipe.load(options.recipe).changed(**settings(options.set)), workspace)
    lines = [found.sentence]
    for prompt, expected, group in found.groups:
        lines += ["", f"{_short(prompt)}" + (f"  [expected: {_short(expected)}]" if expected else "")]
        lines += [f"  {each.total:6.2f}  {_short(each.text)}" for each in group]
    groups = [
        {"prompt": prompt, "expected": expected, "answers": [asdict(each) for each in group]}
        for prompt, expected, group in found.groups
    ]
    facts = {"mean": found.mean, "groups_with_spread": found.spread, "groups": groups}
    return answer(options, facts, lines)


def prefer_answers(options, workspace: Workspace) -> int:
    """Write pairs of answers to a new file, and each judgement to one beside it."""
    from finetune.data.mix import read_main
    from finetune.data.settings import DataSettings
    from finetune.inference.judge import Judging
    from finetune.inference.preferences import prefer
    from finetune.inference.writer import Writer
    from finetune.methods.rollouts import prompt_of

    if options.to.exists():
        raise RunError(f"{options.to} already exists.", "Choose another name, or remove it.")
    with writing(options.to):  # before hours of answers
        options.to.parent.mkdir(parents=True, exist_ok=True)
    judge = judge_of(options)
    dataset = read_main(DataSettings(path=options.file), workspace.find)
    if dataset.kind == "text":
        raise DataError("These rows are plain text and hold no questions.", "Choose a file of prompts.")
    asked = [prompt_of(example) for example in dataset.examples[: options.rows]]
    judgements = options.to.with_suffix(".judgements.jsonl")
    base = {"id": options.model, "run": options.run}
    writer = Writer.of_base(Recipe.from_dict({"data": {"path": str(options.file)}, "model": base}).model, workspace)
    judging = Judging.load(judge, workspace, judgements)
    found = prefer(asked, writer, judging, options.max_tokens, options.temperature, options.seed)
    options.to.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.rows), encoding="utf-8")
    for path in filter(Path.exists, (options.to, judgements)):
        modes.give(path)
    facts = {"pairs": len(found.rows), "alike": found.alike, "undecided": found.undecided}
    facts |= {"file": str(options.to), "judgements": str(judgements)}
    return answer(options, facts, [found.sentence, f"Pairs: {options.to}", f"Judgements: {judgements}"])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
