"""The next round: the votes of a blind test as preference data, and the recipe that trains on them.

Training continues from the tuned model that was judged, with its adapter; the reference of DPO and KTO is that model as
it was, not the untouched base. So the next round moves away from what the voters rejected, and keeps the rest.
"""

import json
import tempfile
from pathlib import Path

from finetune.adapters import Adapter
from finetune.data.split import MIN_ROWS_TO_SPLIT
from finetune.errors import RunError
from finetune.evaluation.ballot import Asked, Ballot
from finetune.evaluation.ballot import read as read_ballot
from finetune.evaluation.rounds import chain
from finetune.evaluation.tally import Tally, tally
from finetune.evaluation.votes import read as read_votes
from finetune.format import counted
from finetune.machine.hardware import Choice
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

LEAST = MIN_ROWS_TO_SPLIT
"""Rows that a round needs: with fewer, none could be held out."""
LONGEST_NAME = 80
"""Characters, as many as a recipe's name has at most."""
MOST_WEIGHT = 100.0
"""Of a rating, as KTO has it at most."""
KEPT = ("length", "seed", "precision", "optimizer", "activation_checkpointing", "processes")
"""Settings of the training that stay; the others are chosen for the new method and the number of votes."""


def choose_method(found: Tally) -> Choice:
    """``dpo`` or ``kto``, with the reason; ``RunError`` says how many votes are missing for either."""
    pairs, bad = found.decided, found.count("bad")
    if pairs >= LEAST and bad <= pairs:
        return Choice("dpo", f"{counted(pairs, 'preference')} give as many pairs of answers")
    if bad and pairs and pairs + 2 * bad >= LEAST:
        why = "more questions have two bad answers than a preference" if bad > pairs else "the preferences are few"
        return Choice("kto", f"{why}, so each answer is rated by itself: preferred ones good, bad ones bad")
    raise RunError(
        f"The next round needs {LEAST} questions with a preference; there {'is' if pairs == 1 else 'are'} {pairs}.",
        f"Have {counted(LEAST - pairs, 'more question')} decided here, or start another blind test with more of them.",
    )


def pairs(ballot: Ballot, found: Tally) -> list[dict]:
    """A row for DPO of each question with a preference: prompt as the model saw it, chosen and rejected."""
    rows = []
    for each in ballot.questions:
        if found.outcomes[each.id] in ("base", "tuned"):
            chosen, rejected = _ranked(each, found.outcomes[each.id])
            rows.append({"prompt": each.messages, "chosen": _answer(chosen), "rejected": _answer(rejected)})
    return rows


def ratings(ballot: Ballot, found: Tally) -> list[dict]:
    """Rows for KTO: preferred answers are rated good; where both are bad, both are rated bad."""
    rows = []
    for each in ballot.questions:
        result = found.outcomes[each.id]
        if result in ("base", "tuned"):
            rated = [(_ranked(each, result)[0], True)]
        else:
            rated = [(each.base, False), (each.tuned, False)] if result == "bad" else []
        rows += [{"prompt": each.messages, "completion": _answer(text), "label": label} for text, label in rated]
    return rows


def balanced(rows: list[dict]) -> dict[str, float]:
    """KTO's weights: the rarer rating has more, so that weight times count is alike (Ethayarajh et al. 2024)."""
    good = sum(row["label"] for row in rows)
    bad = len(rows) - good
    return {
        "desirable_weight": min(max(1.0, bad / good), MOST_WEIGHT),
        "undesirable_weight": min(max(1.0, good / bad), MOST_WEIGHT),
    }


def next_recipe(run: Run, workspace: Workspace) -> Recipe:
    """The recipe of the next round after ``run``; its data is written to the workspace.

    ``RunError`` if there is no blind test, or too few votes.
    """
    ballot = read_ballot(run)
    if ballot is None:
        raise RunError(f"Run {run.id} has no blind test.", "Start one on the Compare tab.")
    found = tally(ballot, read_votes(run))
    method = choose_method(found).value
    if method == "dpo":
        rows, kind, settings = pairs(ballot, found), "preference", {}
    else:
        rows, kind = ratings(ballot, found), "rated"
        settings = balanced(rows)
    rounds, trained = chain(workspace, run), run.as_trained
    number = [each.run.id for each in rounds].index(run.id) + 2
    end = f", round {number}"
    return Recipe.from_dict(
        {
            "name": rounds[0].name[: LONGEST_NAME - len(end)] + end,
            "model": {**trained.model.model_dump(), "run": run.id},
            "data": {"path": _kept(workspace, rows, run), "format": kind},
            "method": {"type": method, **settings},
            "adapter": without_dropout(trained.adapter),
            "training": trained.training.model_dump(include=set(KEPT)),
        }
    )


def without_dropout(adapter: Adapter) -> dict:
    """The settings of ``adapter``, as a method takes them that is trained without dropout (DPO and KTO)."""
    settings = adapter.model_dump()
    return settings | {"dropout": 0.0} if "dropout" in settings else settings


def _ranked(each: Asked, preferred: str) -> tuple[str, str]:
    return (each.tuned, each.base) if preferred == "tuned" else (each.base, each.tuned)


def _answer(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def _kept(workspace: Workspace, rows: list[dict], run: Run) -> str:
    """The path of an upload with ``rows``, brought by the owner of ``run``."""
    name = f"votes-on-run-{run.number}.jsonl"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return workspace.keep(path, name, run.owner)
