"""A recipe with lists, pasted on the Method tab: how many runs the sweep has, and the button that queues them all."""

import gradio as gr

from finetune.errors import FinetuneError, RecipeError
from finetune.recipe import read_yaml
from finetune.sweep import axes, recipes
from finetune.ui import views
from finetune.ui.studio import Studio


def offer(text: str) -> gr.Button:
    """The button that queues all runs of a sweep; hidden for any other text."""
    try:
        values = read_yaml(text or "")
        count = len(recipes(values)) if axes(values) else 1
    except RecipeError:
        count = 0
    return gr.Button(f"Queue all {count} runs", visible=count > 1)


def refused(count: int) -> str:
    """The notice that a recipe is a sweep of ``count`` runs, which the form cannot hold."""
    return views.notice(
        f"This recipe has lists in it: it is a sweep of {count} runs.",
        f"Press “Queue all {count} runs”, or leave one value in each list to fill in the form.",
        kind="info",
    )


def queue(studio: Studio, text: str, owner: str | None = None) -> tuple[str | None, str]:
    """The id of the first run of the sweep in ``text``, all of them queued; or None and what to fix.

    Everything is checked before the first run is queued.
    """
    try:
        made = recipes(read_yaml(text))
        studio.queue.require_room(owner, len(made))
        for recipe in made:
            studio.queue.require_runnable(recipe, trusted=False, owner=owner)
        return [studio.start(recipe, owner).id for recipe in made][0], ""
    except FinetuneError as error:
        return None, views.notice_of(error)
