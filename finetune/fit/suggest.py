"""The smallest change of a recipe that makes its run fit: fallbacks of ``training.fallbacks``, tried by estimate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from finetune.data.counts import Counts
from finetune.fit.estimate import Fit, estimate_fit
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.defaults import choose_defaults
from finetune.training.fallbacks import FALLBACKS, Change


@dataclass(frozen=True)
class Suggestion:
    """Changes that make a run fit, one for each fallback that is needed, and the fit they give."""

    changes: tuple[Change, ...]
    fit: Fit

    @property
    def settings(self) -> dict[str, object]:
        """What changes in the recipe, by dotted path."""
        return _settings(self.changes)

    @property
    def words(self) -> str:
        """The settings as ``--set`` options of the command line."""
        return " ".join(f"--set {name}={str(value).lower()}" for name, value in self.settings.items())

    @property
    def what(self) -> str:
        """What changes, in plain English."""
        return "; ".join(change.what for change in self.changes)


def suggest(recipe: Recipe, workspace: Workspace, counts: Counts = Counts()) -> Suggestion | None:
    """The mildest changes with which ``recipe`` fits with some to spare; None if none of them help, or none is needed.

    Fallbacks in order until it fits, each as far as it goes; then as much of each is taken back as it fits without, the
    costliest first. So a fallback that does not help here is left out. The numbers are those of ``fit.estimate``.
    """

    @cache
    def fit_with(*steps: int) -> Fit:
        changed = recipe.changed(**_settings(_taken(courses, steps)))
        return estimate_fit(changed, workspace, counts, gpus=False)

    courses = list(_courses(recipe, counts.rows or 1, counts.longest or recipe.training.length))
    now = fit_with(*[0] * len(courses))
    if now.fits or not now.estimate_bytes:
        return None
    lowest = next((n for n in range(len(courses)) if fit_with(*_down(courses, n)).fits), None)
    if lowest is None:
        return None
    steps = _down(courses, lowest)
    for n in reversed(range(lowest + 1)):
        steps[n] = next(count for count in range(steps[n] + 1) if fit_with(*steps[:n], count, *steps[n + 1 :]).fits)
    return Suggestion(_taken(courses, steps), fit_with(*steps))


def _courses(recipe: Recipe, rows: int, longest: int) -> Iterator[list[Change]]:
    """For each fallback all that it can change, step by step: each step holds what the steps before it changed."""
    batch_size = choose_defaults(recipe, [recipe.training.length] * rows, 1024).batch_size
    for fallback in FALLBACKS:
        course, settings = [], {}
        while step := fallback(recipe.changed(**settings), batch_size, longest):
            settings = settings | step.settings
            course.append(Change(settings, step.what))
        yield course


def _down(courses: list[list[Change]], lowest: int) -> list[int]:
    """How many steps are taken of each fallback after all of those down to ``lowest``."""
    return [len(course) if n <= lowest else 0 for n, course in enumerate(courses)]


def _taken(courses: list[list[Change]], steps: Sequence[int]) -> tuple[Change, ...]:
    return tuple(course[count - 1] for course, count in zip(courses, steps) if count)


def _settings(changes: tuple[Change, ...]) -> dict[str, object]:
    return {name: value for change in changes for name, value in change.settings.items()}
