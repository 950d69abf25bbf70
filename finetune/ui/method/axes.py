"""The fold “All methods”: both lists of cards, and what each entry costs for the chosen model and data."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import gradio as gr
from pydantic import ValidationError

from finetune.recipe import ModelSettings, TrainingSettings
from finetune.ui import inputs, views
from finetune.ui.data.desk import Chosen
from finetune.ui.form import Form
from finetune.ui.method.catalog import KEEP, catalog, picked
from finetune.ui.method.costs import FILL, costs
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

WORDS = (
    "A method and an adapter, freely combined; the cards above are the most used pairs. Memory and time are "
    "estimates for your model and data."
)


@dataclass
class Parts:
    """The components of the fold."""

    fold: gr.Accordion
    is_open: gr.State
    cards: gr.HTML
    costs: gr.HTML


def draw() -> Parts:
    """The fold, closed and without cards."""
    with gr.Accordion("All methods", open=False, elem_id="all-methods") as fold:
        gr.HTML(views.small(WORDS))
        cards = gr.HTML(js_on_load=KEEP, elem_id="catalog")
        found = gr.HTML(js_on_load=FILL, elem_id="costs", elem_classes="visually-hidden")
    return Parts(fold=fold, is_open=gr.State(False), cards=cards, costs=found)


def wire(studio: Studio, parts: Parts, form: Form, types: list, chosen: gr.State) -> object:
    """The fold's events; returns the one after which method and adapter are those of the card that was picked."""
    parts.fold.expand(lambda: True, None, parts.is_open, api_name="axes_open", **QUIET)
    gr.on(
        [parts.is_open.change, *(each.change for each in types), chosen.change],
        draw_cards,
        [parts.is_open, chosen, *types],
        parts.cards,
        trigger_mode="always_last",
        api_name="axes_draw",
        **QUIET,
    )
    deciding = [form.inputs[name] for name in ("model.id", "model.run", "model.revision", "training.length")]
    estimating = gr.on(
        [parts.is_open.change, chosen.change, *(each.change for each in deciding)],
        partial(estimate, studio),
        [parts.is_open, chosen, *deciding],
        parts.costs,
        trigger_mode="always_last",
        concurrency_limit=4,
        api_name="axes_costs",
        **QUIET,
    )
    parts.fold.collapse(lambda: False, None, parts.is_open, cancels=[estimating], api_name="axes_close", **QUIET)

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def pick(event: gr.EventData, method: str, adapter: str) -> tuple[str, str]:
        return picked(inputs.picked(event), method, adapter)

    return parts.cards.pick(pick, types, types, api_name="axes_pick", **QUIET)


def draw_cards(is_open: bool, chosen: Chosen | None, method: str, adapter: str) -> str:
    """The cards for the chosen data; as they are while nobody sees them."""
    return catalog(chosen.kind if chosen else "", method, adapter) if is_open else gr.skip()


def estimate(
    studio: Studio, is_open: bool, chosen: Chosen | None, model: str, run: str, revision: str, length: str
) -> Iterator[str]:
    """The costs of the cards as they become known; as they are while nobody sees them, or a value is refused."""
    try:
        settings = ModelSettings(id=model or "", run=run or None, revision=revision or None)
        longest = TrainingSettings(length=length or TrainingSettings().length).length
    except ValidationError:
        yield gr.skip()
        return
    yield gr.skip()
    yield from costs(studio, is_open, chosen, settings, longest)
