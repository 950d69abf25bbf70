"""The page: its tabs, one status line, one clock, and the wires that cross from one tab to another.

To add a tab: a folder of this package with a ``tab`` module (``draw`` and ``wire``), and one line in ``TABS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import gradio as gr

from finetune.door.budget import Budget
from finetune.errors import FinetuneError
from finetune.paths import ASSETS
from finetune.ui import api, chooser, invitation, views
from finetune.ui.chooser import RULES
from finetune.ui.clock import TICK_S, offered, refresh, total
from finetune.ui.compare import blind
from finetune.ui.compare import tab as compare
from finetune.ui.data import tab as data
from finetune.ui.data.counting import Counting
from finetune.ui.data.display import show, unchanged
from finetune.ui.data.samples import offers
from finetune.ui.method import sweep
from finetune.ui.method import tab as method
from finetune.ui.sessions import forget_sessions
from finetune.ui.studio import Studio
from finetune.ui.theme import HEAD, HEAD_JS, THEME
from finetune.ui.train import tab as train
from finetune.ui.uploads import note_parts
from finetune.ui.views import QUIET


@dataclass(frozen=True)
class Tab:
    """One tab of the page."""

    name: str
    """Its title, its id and its name in the address, ``?tab=train``."""
    draw: Callable[[Studio], object]
    """Draws its components and returns them, its ``Parts``."""
    wire: Callable[[Studio, SimpleNamespace], list | None]
    """Wires its own events, given the ``Parts`` of every tab by name; may return events that the clock follows."""


TABS = (
    Tab("data", data.draw, lambda studio, parts: data.wire(studio, parts.data, parts.method.counted_by())),
    Tab("method", method.draw, lambda studio, parts: method.wire(studio, parts.method, parts.data.chosen)),
    Tab("train", train.draw, lambda studio, parts: train.wire(studio, parts.train)),
    Tab("compare", compare.draw, lambda studio, parts: compare.wire(studio, parts.compare)),
)
"""Every tab, in the order shown."""


def options(budget: Budget = Budget.local()) -> dict:
    """What the page is served with whatever the environment says: how it looks, and what it does not offer.

    A browser refuses a file larger than ``budget`` allows before it sends it.
    """
    return {
        "theme": THEME,
        "css_paths": [ASSETS / "studio.css"],
        "head": HEAD,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,
        "max_file_size": budget.file_bytes,
        "footer_links": [],
    }


def build(studio: Studio) -> gr.Blocks:
    """The whole page, ready to launch."""
    forget_sessions()
    note_parts()
    with invitation.PagesApart(title=views.TITLE, analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        status = gr.HTML(views.head(studio.machine, None, 0), js_on_load=HEAD_JS, elem_id="status")
        parts = SimpleNamespace()
        with gr.Tabs(overflow_behavior="wrap", elem_id="tabs") as tabs:
            for tab in TABS:
                with gr.Tab(tab.name.capitalize(), id=tab.name, elem_id=f"tab-{tab.name}"):
                    setattr(parts, tab.name, tab.draw(studio))
        events = [event for tab in TABS for event in tab.wire(studio, parts) or ()]
        _wire_memory(studio, page, parts)
        _wire_kept(studio, page, parts)
        _wire_steps(studio, tabs, parts)
        _wire_clock(studio, page, tabs, status, parts, events)
        api.draw(studio)
    invitation.draw(studio, page)
    return page.queue(default_concurrency_limit=4, max_size=40)


def _wire_memory(studio: Studio, page: gr.Blocks, parts: SimpleNamespace) -> None:
    """The data that the browser remembers is chosen again when the page is reloaded."""
    parts.method.counted_by().wire(
        page.load,
        partial(data.restore, studio.data),
        [parts.data.remembered],
        parts.data.display(),
        api_name="data_restore",
        **QUIET,
    )


def _wire_kept(studio: Studio, page: gr.Blocks, parts: SimpleNamespace) -> None:
    """The Data tab offers the rows that were made of answers: on load, and as soon as there are more."""
    listed, made = parts.data.intake.samples, parts.compare.of["ask"].keeping.note
    gr.on(
        [page.load, made.change],
        partial(offers, studio.workspace),
        None,
        listed,
        queue=False,
        api_name="data_offers",
        **QUIET,
    )


def _wire_steps(studio: Studio, tabs: gr.Tabs, parts: SimpleNamespace) -> None:
    """The button of each step that leads to the next one."""
    first, second, third, fourth = parts.data, parts.method, parts.train, parts.compare
    recipe, form = second.recipe, [*first.display(), second.presets, second.kind, *second.settings()]
    started = [second.problems, tabs, *third.chooser.components()]
    first.next.click(lambda: gr.Tabs(selected="method"), None, tabs, api_name="to_method", **QUIET)
    second.start.click(
        partial(start, studio, second.form),
        [first.chosen, *second.settings()],
        started,
        api_name="method_start",
        api_visibility="private",
    )
    recipe.queue.click(
        partial(start_all, studio), recipe.text, started, api_name="recipe_queue", api_visibility="private"
    )
    recipe.use.click(
        partial(use_recipe, studio, second), recipe.text, [second.problems, *form], api_name="recipe_use", **QUIET
    )
    second.advisor.use.click(
        partial(use_advice, studio, second),
        [second.advisor.advice, first.chosen, *second.settings()],
        [second.problems, *form],
        api_name="advice_use",
        **QUIET,
    )
    third.buttons["further"].click(
        partial(train_further, studio, second),
        third.chooser.dropdown,
        [third.notice, tabs, second.problems, *form],
        api_name="train_further",
        **QUIET,
    )
    third.buttons["to-compare"].click(
        partial(to_compare, studio),
        third.chooser.dropdown,
        [tabs, *fourth.chooser.components()],
        api_name="to_compare",
        **QUIET,
    )
    voted = fourth.of["blind"]
    voted.next.click(
        partial(start_next, studio),
        fourth.chooser.dropdown,
        [voted.notice, tabs, *third.chooser.components()],
        api_name="blind_next",
        **QUIET,
    )


def start(studio: Studio, form, chosen, *given) -> tuple:
    """Start a run and show it; or stay and say what to fix."""
    return _started(studio, *method.start(studio, form, chosen, *given))


def start_all(studio: Studio, text: str) -> tuple:
    """Queue every run of a sweep and show the first; or stay and say what to fix."""
    return _started(studio, *sweep.queue(studio, text))


def start_next(studio: Studio, run_id: str | None) -> tuple:
    """Start the next round on the votes of a blind test and show it; or stay and say what is missing."""
    return _started(studio, *blind.next_round(studio, run_id))


def _started(studio: Studio, run_id: str | None, problems: str) -> tuple:
    if run_id is None:
        return problems, gr.skip(), gr.skip(), gr.skip()
    return "", gr.Tabs(selected="train"), *chooser.showing(studio, "train", run_id)


def use_recipe(studio: Studio, parts: method.Parts, text: str) -> list:
    """Fill the Data and the Method tab from a recipe; or leave both and say what is wrong with it."""
    chosen, notice, values, presets = method.load(studio, parts.form, text)
    if chosen is None:
        return [notice, *unchanged().values(), *[gr.skip()] * (2 + len(parts.settings()))]
    form = dict(zip(parts.form.inputs, values[2:]))
    by = Counting.of(form["model.id"], form["training.length"], form["model.chat_template"])
    display = show(studio.data, chosen.settings, chosen.name, by, is_new=True)
    return [notice, *display.values(), presets, chosen.kind, *values]


def use_advice(studio: Studio, parts: method.Parts, advice, chosen, *given) -> list:
    """The Method tab, and the replay data of the Data tab, as the advice says; or say what is wrong with the form."""
    try:
        recipe = method.advised(parts.form, advice, chosen, given)
    except FinetuneError as error:
        return [views.notice_of(error), *unchanged().values(), *[gr.skip()] * (2 + len(parts.settings()))]
    if chosen is not None and chosen.kind:
        problem, *filled = use_recipe(studio, parts, recipe.to_yaml())
        if filled[0] == gr.skip():
            return [problem, *filled]
    else:
        values = [recipe.method.type, recipe.adapter.type, *parts.form.fill(recipe)]
        filled = [*unchanged().values(), method.draw_presets(chosen, *values[:2]), gr.skip(), *values]
    return [views.notice("The form is set as advised.", "Change what you like, then start.", kind="info"), *filled]


def train_further(studio: Studio, parts: method.Parts, run_id: str | None) -> list:
    """The Method tab with the recipe of a run, to start from its model; or stay and say why that cannot be."""
    run = studio.find_run(run_id)
    if run is None:
        filled = use_recipe(studio, parts, "")
        return [views.notice("There is no such run.", "It may have been deleted already."), gr.skip(), *filled[1:]]
    recipe = studio.recipe(run).changed(**{"model.run": run.id})
    problem, *filled = use_recipe(studio, parts, recipe.to_yaml())
    if filled[0] == gr.skip():
        return [problem, gr.skip(), gr.skip(), *filled]
    words = (
        f"Training continues from the tuned model of {views.run_title(run.id, recipe.name)}.",
        "Choose the number of further epochs, then start training.",
    )
    return ["", gr.Tabs(selected="method"), views.notice(*words, kind="info"), *filled]


def to_compare(studio: Studio, run_id: str | None) -> tuple:
    """The Compare tab with the run that is shown on the Train tab."""
    return gr.Tabs(selected="compare"), *chooser.showing(studio, "compare", run_id)


def _wire_clock(
    studio: Studio, page: gr.Blocks, tabs: gr.Tabs, status: gr.HTML, parts: SimpleNamespace, events: list
) -> None:
    """What keeps the page up to date: on load, at each tick and right after ``events``, sending only what is new."""
    choosers = [getattr(parts, rule.tab).chooser for rule in RULES]
    clock, seen, choosing = gr.Timer(TICK_S), gr.State({}), gr.HTML(elem_id="choosing", elem_classes="visually-hidden")
    inputs = [seen, *(each.picked for each in choosers)]
    outputs = [seen, choosing, status, *parts.train.refreshed()]
    tick, at_once = total(partial(refresh, studio, is_shared=True)), total(partial(refresh, studio))
    clock.tick(tick, inputs, outputs, queue=False, api_name="tick", postprocess=False, **QUIET)
    page.load(tick, inputs, outputs, queue=False, api_name="load", **QUIET)
    follows = [*(each.dropdown for each in choosers), clock]
    choosing.change(offered, seen, follows, queue=False, api_name="choosers", **QUIET)
    picks = [
        each.dropdown.input(same, each.dropdown, each.picked, queue=False, api_name=f"{rule.tab}_picked", **QUIET)
        for rule, each in zip(RULES, choosers)
    ]
    for event in (*picks, *events):
        event.then(at_once, inputs, outputs, queue=False, api_name="refresh", **QUIET)
    page.load(opened, None, tabs, queue=False, api_name="open", **QUIET)
    page.load(studio.warm, queue=False, api_name="warm", **QUIET)


def same(run_id: str | None) -> str | None:
    """The run that was picked."""
    return run_id


def opened(request: gr.Request) -> gr.Tabs:
    """The tab that the address asks for with ``?tab=train``; nothing for the first, which is open already."""
    asked = request.query_params.get("tab")
    return gr.Tabs(selected=asked) if asked in [tab.name for tab in TABS[1:]] else gr.skip()
