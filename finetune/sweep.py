"""Several recipes from one with lists, what differs between recipes, and what became of their runs.

A list where one value belongs stands for a recipe with each of its values; several lists, for every combination.
What is a list by nature (``evaluation.prompts``, ``data.fixes``) stays one.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from finetune.adapters import ADAPTERS
from finetune.errors import Problem, RecipeError
from finetune.methods import METHODS
from finetune.recipe import Recipe, TrainingSettings
from finetune.runs.diagnosis import Diagnosis, diagnose
from finetune.runs.view import View
from finetune.settings import fields

MOST = 64
"""More runs than this are a slip of the pen."""
LONGEST_NAME = Recipe.model_fields["name"].metadata[-1].max_length
ABSENT = "–"
"""Stands for a setting that a recipe's method or adapter does not have."""
TYPES = {"method": METHODS, "adapter": ADAPTERS}
LEARNT_ONLY = ("model.run", "data.mix", "data.replay", "data.replay_share")
"""Settings of the model and the data that change what is learnt, and not how the held-out loss is measured."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run, beside others."""

    run: str
    name: str
    state: str
    differs: dict[str, object]
    """The settings by which it differs from the others, by their paths; what was chosen for the person is filled in."""
    words: str
    """The same in words; empty if nothing differs."""
    step: int
    total_steps: int
    best_loss: float | None
    """The lowest held-out loss; None if no check was made."""
    best_step: int | None
    metrics: dict[str, float]
    """What its method reported at that check."""
    elapsed_s: float
    diagnosis: Diagnosis

    def to_dict(self) -> dict:
        """All of it as plain values."""
        return {**asdict(self), "elapsed_s": round(self.elapsed_s, 1)}


def axes(values: object) -> dict[str, list]:
    """The settings of a recipe's ``values`` that are given as a list where one value belongs, by their paths."""
    groups = values.items() if isinstance(values, dict) else ()
    return {
        f"{group}.{name}": value
        for group, settings in groups
        if isinstance(settings, dict) and group in Recipe.model_fields
        for name, value in settings.items()
        if isinstance(value, list) and name not in _lists(group)
    }


def recipes(values: object) -> list[Recipe]:
    """The recipes that ``values`` stand for, each named for what sets it apart; one, if there are no lists in it.

    A setting that only some of the listed types have is used for those. All that is wrong raises one ``RecipeError``.
    """
    lists = axes(values)
    if not lists:
        return [Recipe.from_dict(values)]
    empty = tuple(Problem(path, "This list is empty.") for path, options in lists.items() if not options)
    if empty:
        raise RecipeError("There is nothing to try.", "Put a value into each list.", empty)
    count = math.prod(len(options) for options in lists.values())
    if count > MOST:
        raise RecipeError(f"These lists make {count:,} runs, and {MOST} is the most.", "Leave out some of the values.")
    made, problems = {}, {}
    for options in itertools.product(*lists.values()):
        combined = _combined(values, dict(zip(lists, options)))
        try:
            recipe = Recipe.from_dict(combined)
            made.setdefault(recipe.model_dump_json(), recipe)
        except RecipeError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems:
        raise RecipeError("This recipe cannot be tried in every combination.", problems=tuple(problems.values()))
    sweep = hashlib.blake2b(json.dumps(values, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()
    return [_named(recipe, lists).changed(sweep=sweep) for recipe in made.values()]


def differences(recipes: Sequence[Recipe]) -> dict[str, tuple]:
    """What differs between ``recipes``: each such setting's value in every one of them, by its path.

    Names are left out, and so are settings that only some of the types have if these leave them as they are.
    """
    flat = [_flat(recipe.to_dict(full=True)) for recipe in recipes]
    changed = [_flat(recipe.to_dict()) for recipe in recipes]
    found = {}
    for path in dict.fromkeys(path for settings in flat for path in settings):
        values = tuple(settings.get(path, ABSENT) for settings in flat)
        everywhere = all(path in settings for settings in flat)
        if any(value != values[0] for value in values) and (everywhere or any(path in short for short in changed)):
            found[path] = values
    for label_only in ("name", "sweep"):
        found.pop(label_only, None)
    return found


def outcomes(runs: Sequence[tuple[str, Recipe, View]]) -> list[Outcome]:
    """What became of each of ``runs`` (its id, recipe and view), in their order."""
    asked = differences([recipe for _, recipe, _ in runs])
    chosen = differences([settled(recipe, view) for _, recipe, view in runs])
    # What nobody asked for differs only once every run has chosen it.
    differing = {path: values for path, values in chosen.items() if path in asked or None not in values}
    found = []
    for n, (run, _, view) in enumerate(runs):
        best, differs = view.best, {path: values[n] for path, values in differing.items()}
        found.append(
            Outcome(
                run=run,
                name=view.name,
                state=view.state,
                differs=differs,
                words=described(differs, differing),
                step=view.step,
                total_steps=view.total_steps,
                best_loss=best.loss if best else None,
                best_step=best.step if best else None,
                metrics=best.metrics if best else {},
                elapsed_s=view.elapsed_s,
                diagnosis=diagnose(view),
            )
        )
    return found


def settled(recipe: Recipe, view: View) -> Recipe:
    """``recipe`` with what the run chose for the person in place of what it leaves open."""
    chosen = {choice.what: choice.value for choice in view.choices}
    unset = {f"training.{name}" for name in TrainingSettings.model_fields if getattr(recipe.training, name) is None}
    return recipe.changed(**{path: value for path, value in chosen.items() if path in unset})


def unlike(runs: Sequence[tuple[str, Recipe, View]]) -> str:
    """Why the held-out losses of ``runs`` cannot be compared, as a sentence; empty if they can.

    They can if the same model reads the same rows by the same measure. Rows that were split off by chance are the
    same if the seed is, or if the model began with the same loss on them.
    """
    differing = differences([recipe for _, recipe, _ in runs])
    reasons = [
        label(path)
        for path in differing
        if path == "training.length"
        or (path.startswith(("model.", "data.", "method.")) and path not in LEARNT_ONLY)
        or (path == "training.seed" and not _begin_alike(runs))
    ]
    if not reasons:
        return ""
    return f"Their losses are not measured alike and cannot be compared: {', '.join(dict.fromkeys(reasons))}."


def label(path: str) -> str:
    """A setting in words: ``learning rate``, ``adapter``, ``evaluation times``."""
    group, _, name = path.rpartition(".")
    if path == "model.run":
        return "earlier run"
    if name in ("type", "id", "path"):
        return group
    return f"{group} {name}".replace("_", " ") if group in ("data", "evaluation") else name.replace("_", " ")


def shown(value: object, among: Sequence = ()) -> str:
    """A setting's value in words: ``0.001``, ``yes``, ``chosen``; a file's name, and its folder if another ``among``
    the values has the same name."""
    if value is None:
        return "chosen"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | dict):
        return f"{len(value)} given"
    text = _ending(value, 1)
    if any(other != value and _ending(other, 1) == text for other in among):
        text = _ending(value, 2)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _ending(value: object, parts: int) -> str:
    """A value as it is written, of a path or an address so many of its last parts."""
    return "/".join(Path(str(value)).parts[-parts:]) if "/" in str(value) else str(value)


def described(differs: dict[str, object], among: Mapping[str, Sequence] = MappingProxyType({})) -> str:
    """What sets a run apart, in words: ``learning rate 0.001, rank 8``; ``among`` are the values that others have."""
    told = {path: value for path, value in differs.items() if value != ABSENT}
    return ", ".join(f"{label(path)} {shown(value, among.get(path, ()))}" for path, value in told.items())


def _combined(values: dict, chosen: dict[str, object]) -> dict:
    """A copy of ``values`` with the ``chosen`` ones in place of the lists, and without what the chosen types lack."""
    combined = {group: dict(part) if isinstance(part, dict) else part for group, part in values.items()}
    for path, value in chosen.items():
        group, name = path.split(".", 1)
        combined[group][name] = value
    for group, types in TYPES.items():
        if f"{group}.type" in chosen:
            listed = {name: types[name] for name in values[group]["type"] if isinstance(name, str) and name in types}
            own = listed.get(chosen[f"{group}.type"]) if isinstance(chosen[f"{group}.type"], str) else None
            others = {name for cls in listed.values() for name in cls.model_fields} if own else set()
            combined[group] = {k: v for k, v in combined[group].items() if k not in others or k in own.model_fields}
    return combined


def _named(recipe: Recipe, lists: dict[str, list]) -> Recipe:
    """``recipe`` with its values of those in ``lists`` in its name."""
    settings = _flat(recipe.to_dict(full=True))
    words = f" ({described({path: settings[path] for path in lists if path in settings}, lists)})"
    if len(words) > LONGEST_NAME - 12:
        words = f"{words[: LONGEST_NAME - 14]}…)"
    return recipe.changed(name=f"{recipe.name[: LONGEST_NAME - len(words)]}{words}")


def _flat(values: dict, prefix: str = "") -> dict[str, object]:
    """Settings by their dotted paths; what is a list or a dict by nature is one value."""
    found = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and not prefix:
            found |= _flat(value, f"{path}.")
        else:
            found[path] = value
    return found


def _lists(group: str) -> set[str]:
    """The settings of a recipe's ``group`` that are lists by nature."""
    classes = TYPES[group].values() if group in TYPES else [Recipe.model_fields[group].annotation]
    return {
        field.name for cls in classes if hasattr(cls, "model_fields") for field in fields(cls) if field.kind == "list"
    }


def _begin_alike(runs: Sequence[tuple[str, Recipe, View]]) -> bool:
    starts = [view.evaluations[0].loss for _, _, view in runs if view.evaluations and view.evaluations[0].step == 0]
    return len(starts) == len(runs) and all(math.isclose(start, starts[0], rel_tol=1e-3) for start in starts)
