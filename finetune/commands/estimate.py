"""``fit``: whether a recipe fits into memory and how long it takes, estimated or measured."""

from pathlib import Path

from finetune.commands.command import Commands, answer, settings, take_settings
from finetune.format import rough_duration, size
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    fit = commands.add(
        "fit",
        fit_recipe,
        "estimate whether a recipe fits into memory and how long it takes, and suggest what would make it fit",
    )
    fit.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    take_settings(fit, "replace a setting of the recipe, e.g. adapter.type=qlora")
    fit.add_argument("--measure", action="store_true", help="also train a few steps on the longest rows, and measure")


def fit_recipe(options, workspace: Workspace) -> int:
    """Print the estimate of a recipe, the smallest change that makes it fit, and what ``--measure`` found."""
    from finetune.fit.estimate import estimate_fit
    from finetune.fit.probe import count_tokens, measured
    from finetune.fit.suggest import suggest
    from finetune.machine.libraries import load
    from finetune.service.preflight import require_runnable

    recipe = Recipe.load(options.recipe).changed(**settings(options.set))
    require_runnable(recipe, workspace, is_confirmed=True)
    load()
    counts = count_tokens(recipe, workspace)
    fit, change = estimate_fit(recipe, workspace, counts), suggest(recipe, workspace, counts)
    found = measured(recipe, workspace) if options.measure else None
    facts = {
        "parameters": fit.parameters,
        "trainable": fit.trainable,
        "estimate_bytes": fit.estimate_bytes,
        "measured_bytes": found and found.peak_bytes,
        "available_bytes": fit.available_bytes,
        "fits": fit.fits,
        "verdict": fit.verdict,
        "seconds_per_step": found and found.seconds_per_step,
        "eta_s": found.eta_s if found else fit.seconds,
        "gpus": fit.gpus,
        "change": change.settings if change else {},
    }
    lines = [fit.sentence]
    if fit.gpus:
        lines.append("On a GPU of " + ", ".join(f"{gpu}: {verdict}" for gpu, verdict in fit.gpus.items()) + ".")
    if change:
        lines += [f"It fits if {change.what}:", f"  {change.words}"]
    if found:
        lines.append(
            f"Measured: {size(found.peak_bytes)} at the peak, {found.seconds_per_step:.2g} s per step, "
            f"{found.steps} steps, about {rough_duration(found.eta_s)} in all."
        )
    return answer(options, facts, lines)
