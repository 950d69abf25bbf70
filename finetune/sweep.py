"""Hyper-parameter sweeps: recipes from one with lists, the differences between recipes, the outcomes of their runs.

A list in place of a single value stands for one recipe per value; several lists stand for every combination.
A setting whose value is a list anyway (``evaluation.prompts``, ``data.fixes``) stays as it is.
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
"""More runs than this are a typing mistake."""
LONGEST_NAME = Recipe.model_fields["name"].metadata[-1].max_length
ABSENT = "–"
"""Value of a setting that a recipe's method or adapter does not have."""
TYPES = {"method": METHODS, "adapter": ADAPTERS}
TRAINING_ONLY = ("model.run", "data.mix", "data.replay", "data.replay_share")
"""Settings of model and data that change the training, but not how the held-out loss is measured."""


@dataclass(frozen=True)
class Outcome:
    """The result of one run, compared with other runs."""

    run: str
    name: str
    state: str
    differs: dict[str, object]
    """The settings in which it differs from the others, by their dotted paths; automatic choices are filled in."""
    words: str
    """The same as text; empty if nothing differs."""
    step: int
    total_steps: int
    best_loss: float | None
    """The lowest held-out loss; None before the first evaluation."""
    best_step: int | None
    metrics: dict[str, float]
    """The metrics of its method at that evaluation."""
    elapsed_s: float
    diagnosis: Diagnosis

    def to_dict(self) -> dict:
        """The outcome as plain values."""
        return {**asdict(self), "elapsed_s": round(self.elapsed_s, 1)}


def axes(values: object) -> dict[str, list]:
    """The settings of a recipe's ``values`` with a list in place of a single value, by their dotted paths."""
    groups = values.items() if isinstance(values, dict) else ()
    return {
        f"{group}.{name}": value
        for group, settings in groups
        if isinstance(settings, dict) and group in Recipe.model_fields
        for name, value in settings.items()
        if isinstance(value, list) and name not in _lists(group)
    }


def recipes(values: object) -> list[Recipe]:
    """The recipes that ``values`` stand for, each named after its own values; a single one if there are no lists.

    A setting that only some of the listed types have is used for those. All problems raise one ``RecipeError``.
    """
    lists = axes(values)
    if not lists:
        return [Recipe.from_dict(values)]
    empty = tuple(Problem(path, "This list is empty.") for path, options in lists.items() if not options)
    if empty:
        raise RecipeError("This sweep has an empty list.", "Put at least one value into each list.", empty)
    count = math.prod(len(options) for options in lists.values())
    if count > MOST:
        raise RecipeError(f"These lists make {count:,} runs, at most {MOST} are allowed.", "Remove some of the values.")
    made, problems = {}, {}
    for options in itertools.product(*lists.values()):
        combined = _combined(values, dict(zip(lists, options)))
        try:
            recipe = Recipe.from_dict(combined)
            made.setdefault(recipe.model_dump_json(), recipe)
        except RecipeError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems:
        raise RecipeError("Some combinations of this sweep are not valid recipes.", problems=tuple(problems.values()))
    sweep = hashlib.blake2b(json.dumps(values, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()
    return [_named(recipe, lists).changed(sweep=sweep) for recipe in made.values()]


def differences(recipes: Sequence[Recipe]) -> dict[str, tuple]:
    """The settings in which ``recipes`` differ: dotted path -> the value in each recipe.

    Names are left out, and so are settings that only some of the types have and that all leave at the default.
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
    """The outcome of each of ``runs`` (id, recipe and view), in their order."""
    asked = differences([recipe for _, recipe, _ in runs])
    chosen = differences([settled(recipe, view) for _, recipe, view in runs])
    # A setting that no recipe sets differs only once every run has made its automatic choice.
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
    """``recipe`` with the automatic choices of its run filled in."""
    chosen = {choice.what: choice.value for choice in view.choices}
    unset = {f"training.{name}" for name in TrainingSettings.model_fields if getattr(recipe.training, name) is None}
    return recipe.changed(**{path: value for path, value in chosen.items() if path in unset})


def unlike(runs: Sequence[tuple[str, Recipe, View]]) -> str:
    """Why the held-out losses of ``runs`` cannot be compared, as a sentence; empty if they can.

    They can if the same base model is evaluated on the same held-out rows with the same measure. A random split is the
    same if the seed is, or if the model started with the same loss on it.
    """
    differing = differences([recipe for _, recipe, _ in runs])
    reasons = [
        label(path)
        for path in differing
        if path == "training.length"
        or (path.startswith(("model.", "data.", "method.")) and path not in TRAINING_ONLY)
        or (path == "training.seed" and not _start_alike(runs))
    ]
    if not reasons:
        return ""
    return f"Their held-out losses cannot be compared, because they differ in: {', '.join(dict.fromkeys(reasons))}."


def label(path: str) -> str:
    """The words for a setting by its dotted path: ``learning rate``, ``adapter``, ``evaluation times``."""
    group, _, name = path.rpartition(".")
    if path == "model.run":
        return "earlier run"
    if name in ("type", "id", "path"):
        return group
    return f"{group} {name}".replace("_", " ") if group in ("data", "evaluation") else name.replace("_", " ")


def shown(value: object, among: Sequence = ()) -> str:
    """A setting's value as text: ``0.001``, ``yes``, ``automatic``.

    Of a file its name, with its folder if another value ``among`` those compared has the same name.
    """
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    text = _ending(value, 1)
    if any(other != value and _ending(other, 1) == text for other in among):
        text = _ending(value, 2)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _ending(value: object, parts: int) -> str:
    """A value as it is written; of a path or an address only its last ``parts``."""
    return "/".join(Path(str(value)).parts[-parts:]) if "/" in str(value) else str(value)


def described(differs: dict[str, object], among: Mapping[str, Sequence] = MappingProxyType({})) -> str:
    """The differences of a run as text: ``learning rate 0.001, rank 8``; ``among`` holds the values of all runs."""
    known = {path: value for path, value in differs.items() if value != ABSENT}
    return ", ".join(f"{label(path)} {shown(value, among.get(path, ()))}" for path, value in known.items())


def _combined(values: dict, chosen: dict[str, object]) -> dict:
    """A copy of ``values`` with one ``chosen`` value per list, and without settings that the chosen types lack."""
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
    """``recipe`` with its values of the settings in ``lists`` added to its name."""
    settings = _flat(recipe.to_dict(full=True))
    words = f" ({described({path: settings[path] for path in lists if path in settings}, lists)})"
    if len(words) > LONGEST_NAME - 12:
        words = f"{words[: LONGEST_NAME - 14]}…)"
    return recipe.changed(name=f"{recipe.name[: LONGEST_NAME - len(words)]}{words}")


def _flat(values: dict, prefix: str = "") -> dict[str, object]:
    """Settings by their dotted paths; a list or a dict inside a group is one value."""
    found = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and not prefix:
            found |= _flat(value, f"{path}.")
        else:
            found[path] = value
    return found


def _lists(group: str) -> set[str]:
    """The settings of a recipe's ``group`` whose value is always a list."""
    classes = TYPES[group].values() if group in TYPES else [Recipe.model_fields[group].annotation]
    return {
        field.name for cls in classes if hasattr(cls, "model_fields") for field in fields(cls) if field.kind == "list"
    }


def _start_alike(runs: Sequence[tuple[str, Recipe, View]]) -> bool:
    starts = [view.evaluations[0].loss for _, _, view in runs if view.evaluations and view.evaluations[0].step == 0]
    return len(starts) == len(runs) and all(math.isclose(start, starts[0], rel_tol=1e-3) for start in starts)
