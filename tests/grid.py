"""The grid: every method with every adapter on the starter, trained, saved, reloaded, and resumed; a table for README.

    python -m tests.grid [--only METHOD-ADAPTER …] [--missing] [--write]

A cell is trained on the sample of its method and must improve the method's own held-out measure over the base by the
stated margin; what was saved must answer as the model did at the end of training; and a paused run of the tiny model
must equal one that was never paused, bit for bit. ``--write`` keeps the results in ``assets/grid.json``, from which
``python -m tests.docs --write`` draws the table.
"""

import argparse
import json
import shutil
import tempfile
import time
from functools import cache
from itertools import product
from pathlib import Path

from finetune.adapters import ADAPTERS
from finetune.methods import METHODS
from finetune.paths import ASSETS
from finetune.recipe import Recipe
from finetune.runs.checkpoints import digest
from finetune.runs.events import Stepped
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from tests.pairs import rows, settings

GRID = ASSETS / "grid.json"
SAMPLES = {
    "chat": "pirate-voice.jsonl",
    "text": "handbook.txt",
    "preference": "short-and-kind.jsonl",
    "rated": "thumbs.jsonl",
    "prompt": "sums.jsonl",
}
"""The sample of the first kind that a method reads."""
PROMPTS = ["Can swans fly?", "What is 3 plus 4?", "What do mice like to eat?"]
"""Asked at the end of training and of the model that was saved."""
STEPS = 40
SAMPLED_STEPS = 12
"""Of methods that write answers while they train."""
MORE_STEPS = {"kto-adalora": 100, "grpo-adalora": 60, "rloo-adalora": 60}
"""Of pairs that begin slowly: the small steps of KTO, GRPO and RLOO over a diagonal that is zero at first."""
MARGINS = {"loss": -0.05, "share": 0.1, "number": 0.1}
"""By which the held-out measure must be better: a loss by a share of itself, a share by points, a number by so much."""


def cells() -> list[str]:
    """Every pair, refused ones among them, as ``METHOD-ADAPTER``."""
    return [f"{method}-{adapter}" for method, adapter in product(METHODS, ADAPTERS)]


def try_cell(cell: str, folder: Path) -> dict:
    """What a cell does: refused with the reason, or its measure before and after, and what else holds."""
    method, adapter = cell.split("-", 1)
    chosen = {"type": method, **_needed(method)}
    given = {"data": {"path": "rows.jsonl"}, "method": chosen, "adapter": {"type": adapter}}
    if problems := Recipe.from_dict(given).check():
        return {"refused": problems[0].message}
    began = time.monotonic()
    found = _trained(method, adapter, folder)
    return found | {"resumes": _resumes(method, adapter, folder), "seconds": round(time.monotonic() - began)}


def _trained(method: str, adapter: str, folder: Path) -> dict:
    from finetune.training.train import train

    workspace = Workspace(folder / "starter")
    if method == "distillation":
        (workspace.models_dir / "teacher").symlink_to(_teacher())
    data = {"path": str(ASSETS / "samples" / SAMPLES[METHODS[method].reads[0]])}
    generates = METHODS[method].generates
    steps = MORE_STEPS.get(f"{method}-{adapter}", SAMPLED_STEPS if generates else STEPS)
    recipe = Recipe.from_dict(
        {
            "data": data,
            "method": {"type": method, **({"max_tokens": 24} if generates else {}), **_needed(method)},
            "adapter": {"type": adapter},
            "training": {"max_steps": steps, "precision": "fp32"},
            "evaluation": {"times": 1, "max_tokens": 24, "keep": "last", "prompts": PROMPTS},
        }
    )
    run = workspace.create(recipe)
    with run.held():
        train(run, workspace)
    view = run.view()
    by = METHODS[method].best_by
    first, last = (each.loss if by == "loss" else each.metrics[by] for each in view.evaluations)
    return {
        "measure": by,
        "before": round(first, 4),
        "after": round(last, 4),
        "trainable": view.trainable / view.parameters,
        "improves": is_better(method, first, last),
        "reloads": _answers_as_trained(run, workspace),
    }


def _needed(method: str) -> dict:
    """Settings without which ``method`` cannot start."""
    return {"teacher": "teacher"} if method == "distillation" else {}


@cache
def _teacher() -> Path:
    """The folder of a model that speaks like a pirate, fully trained once for all cells."""
    from finetune.training.train import train

    workspace = Workspace(Path(tempfile.mkdtemp(prefix="teacher-")))
    data = {"path": str(ASSETS / "samples" / "pirate-voice.jsonl")}
    training = {"max_steps": 100, "precision": "fp32"}
    run = workspace.create(Recipe.from_dict({"data": data, "adapter": {"type": "full"}, "training": training}))
    with run.held():
        train(run, workspace)
    return run.model_dir


def is_better(method: str, first: float, last: float) -> bool:
    """True if ``last`` is better than ``first`` by the margin of the method's measure."""
    cls = METHODS[method]
    if cls.best_by == "loss":
        return last <= first * (1 + MARGINS["loss"])
    measure = next(each for each in cls.measures if each.name == cls.best_by)
    gain = last - first if measure.better == "higher" else first - last
    return gain >= MARGINS[measure.unit]


def _answers_as_trained(run: Run, workspace: Workspace) -> bool:
    """True if the saved model, loaded anew, answers as the model in the trainer did; a scorer only has to load."""
    if run.recipe.method.makes_scorer:
        from finetune.models.scorer import Scorer

        scores = Scorer.load(run, workspace).scores([([{"role": "user", "content": "Can swans fly?"}], "Yes.")])
        return len(scores) == 1
    from finetune.inference.chat import Pair
    from finetune.inference.sampling import Sampling

    pair, answers = Pair.load(run, workspace), run.view().samples[-1].answers
    same = 0
    for each in answers:
        asked = [{"role": "user", "content": each.prompt}]
        *_, reply = pair.reply(asked, asked, Sampling(greedy=True, max_tokens=24))
        same += reply.tuned == each.tuned and reply.base == each.base
    return 2 * same > len(answers)  # rows that are padded beside each other may turn a near-tie


def _resumes(method: str, adapter: str, folder: Path) -> bool:
    """True if a paused run of the tiny model equals one that was never paused, bit for bit."""
    from finetune.training.train import train

    workspace = Workspace(folder / "tiny")
    if not (workspace.models_dir / "tiny").exists():
        from tests.tiny import write_tiny_model

        (workspace.models_dir / "tiny").symlink_to(write_tiny_model(folder / "tiny-model"))
    data = folder / f"{method}.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows(method) * 2), encoding="utf-8")
    needed = {"teacher": "tiny"} if method == "distillation" else {}
    recipe = Recipe.from_dict(
        {
            "model": {"id": "tiny"},
            "data": {"path": str(data)},
            "method": {**settings(method), **needed},
            "adapter": {"type": adapter},
            "training": {"max_steps": 10, "batch_size": 4, "length": 200, "precision": "fp32"},
            "evaluation": {"times": 1, "max_tokens": 4},
        }
    )
    whole, paused = workspace.create(recipe), workspace.create(recipe)
    with whole.held():
        train(whole, workspace)
    emit = paused.emit

    def ask_at_seven(event):
        emit(event)
        if isinstance(event, Stepped) and event.step == 7:
            paused.ask("pause")

    paused.emit = ask_at_seven
    with paused.held():
        train(paused, workspace)
    del paused.emit
    if paused.view().state != "paused":
        return False
    paused.requeue()
    with paused.held():
        train(paused, workspace)
    return _digests(whole) == _digests(paused)


def _digests(run: Run) -> dict[str, str]:
    return {path.name: digest(path) for path in run.model_dir.glob("*.safetensors")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="cells, such as sft-lora; a method or an adapter alone will do")
    parser.add_argument("--missing", action="store_true", help="only cells that have no result yet")
    parser.add_argument("--write", action="store_true", help="keep the results in assets/grid.json")
    options = parser.parse_args()
    kept = json.loads(GRID.read_text(encoding="utf-8")) if GRID.is_file() else {}
    wanted = [cell for cell in cells() if not options.only or {cell, *cell.split("-", 1)} & set(options.only)]
    for cell in wanted:
        if options.missing and cell in kept:
            continue
        folder = Path(tempfile.mkdtemp(prefix="grid-"))
        try:
            kept[cell] = try_cell(cell, folder)
        except Exception as error:  # a cell that crashes is a result too
            kept[cell] = {"crashed": f"{type(error).__name__}: {error}"[:300]}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(cell, json.dumps(kept[cell]), flush=True)
        if options.write:
            ordered = {name: kept[name] for name in cells() if name in kept}
            GRID.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
