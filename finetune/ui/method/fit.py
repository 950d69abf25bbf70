"""Will it fit, how long will it take: the line beside the Start button, a memory profile, and the suggested change."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.errors import FinetuneError, ModelError
from finetune.format import amount, counted, rough_duration, size
from finetune.models.preview import require_trainable
from finetune.recipe import Recipe
from finetune.ui import views
from finetune.ui.data.desk import Chosen
from finetune.ui.form import Form
from finetune.ui.studio import Studio

Current = Callable[[Chosen | None, tuple], Recipe]
"""Gives the recipe that the tab describes; ``RecipeError`` if it describes none."""

CLASSES = {"fits": "fits", "tight": "tight", "won't fit": "too-big", "": "small"}
MEASURING = "Memory profile: running a few real steps on the longest rows, in a separate process…"


@dataclass
class Parts:
    """The components of the line."""

    estimate: gr.HTML
    measured: gr.HTML
    measure: gr.Button
    fix: gr.Button
    change: gr.State
    """The settings that the ``fix`` button applies, by dotted path."""

    def estimated(self) -> list:
        """What a new estimate is shown in; a measurement of other settings is cleared."""
        return [self.estimate, self.measured, self.measure]

    def suggested(self) -> list:
        """What a suggested change is shown in."""
        return [self.fix, self.change]


def draw(words: str) -> Parts:
    """The line, saying ``words`` at first."""
    with gr.Column(min_width=0, elem_id="fit"):
        estimate = gr.HTML(views.small(words), elem_id="estimate")
        measured = gr.HTML(elem_id="measured")
        with gr.Row(elem_classes="actions"):
            fix = gr.Button("Make it fit", size="sm", visible=False, elem_id="fix")
            measure = gr.Button("Measure memory and speed", size="sm", visible=False, elem_id="measure")
    return Parts(estimate=estimate, measured=measured, measure=measure, fix=fix, change=gr.State({}))


def wire(studio: Studio, parts: Parts, form: Form, current: Current, causes: tuple, given: list) -> None:
    """The line's events: an estimate after each of ``causes``, from ``given``, the data and the settings."""
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    latest = {"trigger_mode": "always_last", **quiet}
    line, offer = partial(estimate_line, studio, current), partial(offer_change, studio, current)
    for cause in causes:
        estimated = cause.then(line, given, parts.estimated(), api_name="estimate", **latest)
        estimated.then(offer, given, parts.suggested(), api_name="fit_suggest", **latest)
    asked = parts.measure.click(lambda: views.small(MEASURING), None, parts.measured, api_name="fit_measuring", **quiet)
    asked.then(partial(measure, studio, current), given, parts.measured, api_name="fit_measure", **quiet)
    parts.fix.click(partial(fix, form, current), [parts.change, *given], given[1:], api_name="fit_fix", **quiet)


def estimate_line(studio: Studio, current: Current, chosen: Chosen | None, *given) -> tuple[str, str, gr.Button]:
    """Whether it fits and how long it takes, in a line; a model is never downloaded to find out."""
    from finetune.fit.estimate import estimate_fit

    try:
        fit = estimate_fit(_trainable(studio, current(chosen, given)), studio.workspace, chosen.counts)
    except FinetuneError as error:
        return views.small(f"{error.message} {error.hint}".rstrip()), "", gr.Button(visible=False)
    rows = f" Trains on {counted(chosen.counts.rows, 'row')}, {amount(chosen.mixed)} of them mixed in."
    sentence = fit.sentence + (rows if chosen.mixed else "")
    line = f"<p class='{CLASSES[fit.verdict]}'>{views.escape(sentence)}</p>"
    also = f"{trained(fit.trainable, fit.parameters)} {usual_gpus(fit.gpus)}".strip()
    return line + views.small(also), "", gr.Button(visible=bool(fit.parameters))


def trained(trainable: int, parameters: int) -> str:
    """How much of a model is trained, as a sentence; empty if that is not known."""
    if not parameters:
        return ""
    if trainable >= parameters:
        return f"Trains all {views.parameters(parameters)}."
    return f"Trains {100 * trainable / parameters:.2g} % of {views.parameters(parameters)}."


def _trainable(studio: Studio, recipe: Recipe) -> Recipe:
    """``recipe``; ``ModelError`` if its model cannot be trained, for which there is no estimate."""
    try:
        require_trainable(recipe.model, recipe.adapter, studio.workspace)
    except ModelError as error:
        raise ModelError(f"No estimate: {error.message}") from None
    return recipe


def usual_gpus(verdicts: dict[str, str]) -> str:
    """Whether it fits the usual GPUs, as a sentence: memory sizes with one verdict together."""
    groups: dict[str, list[str]] = {}
    for memory, word in verdicts.items():
        groups.setdefault(word, []).append(memory.removesuffix(" GB"))
    parts = [f"{word} in {', '.join(sizes)} GB" for word, sizes in groups.items()]
    return f"On a graphics card (GPU): {'; '.join(parts)}." if parts else ""


def offer_change(studio: Studio, current: Current, chosen: Chosen | None, *given) -> tuple[gr.Button, dict]:
    """The button that makes it fit, with what it changes; hidden where it fits or no change helps."""
    from finetune.fit.suggest import suggest

    try:
        found = suggest(_trainable(studio, current(chosen, given)), studio.workspace, chosen.counts)
    except FinetuneError:
        found = None  # the line says what is wrong
    if found is None:
        return gr.Button(visible=False), {}
    return gr.Button(f"Make it fit: {found.what}", visible=True), found.settings


def measure(studio: Studio, current: Current, chosen: Chosen | None, *given) -> str:
    """What a memory profile of the run found; or why there is none."""
    from finetune.fit.probe import measured

    try:
        recipe = current(chosen, given)
        studio.queue.require_runnable(recipe, trusted=False)
        found = measured(recipe, studio.workspace)
    except FinetuneError as error:
        return views.notice_of(error)
    return views.small(
        f"Measured: {size(found.peak_bytes)} at the peak, {found.seconds_per_step:.2g} s per step, "
        f"{counted(found.steps, 'step')}, about {rough_duration(found.eta_s)} in all."
    )


def fix(form: Form, current: Current, change: dict, chosen: Chosen | None, *given) -> list:
    """The values of method, adapter and settings with the suggested ``change``."""
    recipe = current(chosen, given).changed(**change)
    return [recipe.method.type, recipe.adapter.type, *form.fill(recipe)]
