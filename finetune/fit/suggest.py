"""The smallest change of a recipe that makes its run fit: rungs of ``finetune.training.fallbacks``, tried with the estimate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from finetune.data.counts import Counts
from finetune.fit.estimate import Fit, estimate
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.defaults import plan
from finetune.training.fallbacks import RUNGS, Change


@dataclass(frozen=True)
class Remedy:
    """Changes that make a run fit, one for each rung that is needed, and the fit they give."""

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


def remedy(recipe: Recipe, workspace: Workspace, counts: Counts = Counts()) -> Remedy | None:
    """The mildest changes with which ``recipe`` fits with some to spare; None if none of them help, or none is needed.

    Down the ladder until it fits, each rung whole; then as much of each is taken back as it fits without, the costliest
    first. So a rung that does not help here is left out. The numbers are those of ``finetune.fit.estimate.estimate``.
    """

    @cache
    def fit_with(*steps: int) -> Fit:
        changed = recipe.changed(**_settings(_taken(flights, steps)))
        return estimate(changed, workspace, counts, cards=False)

    flights = list(_flights(recipe, counts.rows or 1, counts.longest or recipe.training.length))
    now = fit_with(*[0] * len(flights))
    if now.fits or not now.estimate_bytes:
        return None
    lowest = next((n for n in range(len(flights)) if fit_with(*_down(flights, n)).fits), None)
    if lowest is None:
        return None
    steps = _down(flights, lowest)
    for n in reversed(range(lowest + 1)):
        steps[n] = next(count for count in range(steps[n] + 1) if fit_with(*steps[:n], count, *steps[n + 1 :]).fits)
    return Remedy(_taken(flights, steps), fit_with(*steps))


def _flights(recipe: Recipe, rows: int, longest: int) -> Iterator[list[Change]]:
    """For each rung all that it can change, step by step: each step holds what the steps before it changed."""
    batch_size = plan(recipe, [recipe.training.length] * rows, 1024).batch_size
    for rung in RUNGS:
        flight, settings = [], {}
        while step := rung(recipe.changed(**settings), batch_size, longest):
            settings = settings | step.settings
            flight.append(Change(settings, step.what))
        yield flight


def _down(flights: list[list[Change]], lowest: int) -> list[int]:
    """How many steps are taken of each flight after all of those down to ``lowest``."""
    return [len(flight) if n <= lowest else 0 for n, flight in enumerate(flights)]


def _taken(flights: list[list[Change]], steps: Sequence[int]) -> tuple[Change, ...]:
    return tuple(flight[count - 1] for flight, count in zip(flights, steps) if count)


def _settings(changes: tuple[Change, ...]) -> dict[str, object]:
    return {name: value for change in changes for name, value in change.settings.items()}
