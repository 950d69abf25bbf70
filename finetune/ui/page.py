"""The page: four tabs, one status line, one clock, and the wires that cross from one tab to another."""

from functools import partial

import gradio as gr

from finetune.paths import ASSETS
from finetune.ui import api, views
from finetune.ui.clock import TICK_S, offered, refresh, total
from finetune.ui.compare import tab as compare
from finetune.ui.data import tab as data
from finetune.ui.data.counting import Counting, CountingInputs
from finetune.ui.data.display import show, unchanged
from finetune.ui.method import sweep
from finetune.ui.method import tab as method
from finetune.ui.studio import Studio
from finetune.ui.train import tab as train

TABS = ("data", "method", "train", "compare")
QUIET = {"show_progress": "hidden", "api_visibility": "private"}

THEME = gr.themes.Soft(
    primary_hue="indigo",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    block_label_text_color="*primary_700",
    block_padding="0",
    block_background_fill_dark="transparent",
    block_border_width="0",
    block_border_width_dark="0",
    block_shadow="none",
    input_background_fill_dark="*neutral_800",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    checkbox_border_width="1px",
    checkbox_border_width_dark="1px",
    checkbox_border_color="*neutral_500",
    checkbox_border_color_dark="*neutral_400",
    input_border_width="1px",
    input_border_width_dark="1px",
    input_border_color="*neutral_300",
    input_border_color_dark="*neutral_600",
    input_shadow="none",
    input_shadow_focus="0 0 0 2px *primary_300",
    button_secondary_background_fill_hover_dark="*neutral_700",
    button_secondary_border_color="*neutral_300",
    button_secondary_border_color_dark="*neutral_600",
    button_border_width="1px",
    button_secondary_shadow="none",
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_padding="0",
    block_title_text_weight="550",
    block_title_text_color="*neutral_800",
    block_title_text_color_dark="*neutral_100",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
)

HEAD = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
document.addEventListener('keydown', event => {
  const step = {ArrowRight: 1, ArrowLeft: -1, Home: -99, End: 99}[event.key];
  const tab = event.target.closest && event.target.closest('[role=tab]');
  if (!step || !tab) return;
  const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]:not([disabled])')];
  const last = tabs.length - 1, beside = (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
  const next = tabs[step === -99 ? 0 : step === 99 ? last : beside];
  next.click(); next.focus(); event.preventDefault();
});
</script>
"""
"""Arrow keys on tabs, which Gradio leaves out."""

TITLE_JS = """
const show = () => { const to = element.querySelector('[data-title]'); if (to) document.title = to.dataset.title; };
watch('value', show); show();
"""


def launch_options() -> dict:
    """What ``launch`` is given whatever the environment says: how the page looks, and what it does not offer."""
    return {
        "theme": THEME,
        "css_paths": ASSETS / "studio.css",
        "head": HEAD,
        "share": False,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,
        "max_file_size": "2gb",
        "footer_links": [],
    }


def build(studio: Studio) -> gr.Blocks:
    """The whole page, ready to launch."""
    with gr.Blocks(title=views.TITLE, analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        status = gr.HTML(views.head(studio.machine, None, 0), js_on_load=TITLE_JS, elem_id="status")
        with gr.Tabs(overflow_behavior="wrap", elem_id="tabs") as tabs:
            drawn = []
            for tab in (data, method, train, compare):
                name = tab.__name__.rpartition(".")[2]
                with gr.Tab(name.capitalize(), id=name, elem_id=f"tab-{name}"):
                    drawn.append(tab.draw(studio))
        parts = dict(zip(TABS, drawn))
        data.wire(studio, parts["data"], parts["method"].counted_by())
        _wire_memory(studio, page, parts["data"], parts["method"].counted_by())
        method.wire(studio, parts["method"], parts["data"].chosen)
        asked = train.wire(studio, parts["train"])
        compare.wire(studio, parts["compare"])
        _wire_steps(studio, tabs, parts)
        _wire_clock(studio, page, tabs, status, parts, asked)
        api.draw(studio)
    return page.queue(default_concurrency_limit=4, max_size=40)


def _wire_steps(studio: Studio, tabs: gr.Tabs, parts: dict) -> None:
    """The button of each step that leads to the next one."""
    first, second, third, fourth = (parts[name] for name in TABS)
    first.next.click(lambda: gr.Tabs(selected="method"), None, tabs, api_name="to_method", **QUIET)
    second.start.click(
        partial(begin, studio, second.form),
        [first.chosen, *second.settings()],
        [second.problems, tabs, third.run, third.watching],
        api_name="method_start",
        api_visibility="private",
    )
    second.recipe_use.click(
        partial(use_recipe, studio, second),
        second.recipe_text,
        [second.problems, *first.display(), second.cards, *second.settings()],
        api_name="recipe_use",
        **QUIET,
    )
    second.recipe_queue.click(
        partial(begin_all, studio),
        second.recipe_text,
        [second.problems, tabs, third.run, third.watching],
        api_name="recipe_queue",
        api_visibility="private",
    )
    third.buttons["further"].click(
        partial(train_further, studio, second),
        third.run,
        [third.notice, tabs, second.problems, *first.display(), second.cards, *second.settings()],
        api_name="train_further",
        **QUIET,
    )
    third.buttons["compare"].click(
        partial(to_compare, studio), third.run, [tabs, fourth.run, fourth.comparing], api_name="to_compare", **QUIET
    )


def begin(studio: Studio, form, chosen, *given) -> tuple:
    """Start a run and show it; or stay and say what is to be mended."""
    return _begun(studio, *method.start(studio, form, chosen, *given))


def begin_all(studio: Studio, text: str) -> tuple:
    """Queue every run of a recipe with lists and show the first; or stay and say what is to be mended."""
    return _begun(studio, *sweep.queue(studio, text))


def _begun(studio: Studio, run_id: str | None, problems: str) -> tuple:
    if run_id is None:
        return problems, gr.skip(), gr.skip(), gr.skip()
    return "", gr.Tabs(selected="train"), gr.Dropdown(train.choices(studio), value=run_id), run_id


def use_recipe(studio: Studio, parts: method.Parts, text: str) -> list:
    """Fill the Data and the Method tab from a recipe; or leave both and say what is wrong with it."""
    chosen, notice, values, cards = method.load(studio, parts.form, text)
    if chosen is None:
        return [notice, *unchanged().values(), *[gr.skip()] * (1 + len(parts.settings()))]
    form = dict(zip(parts.form.inputs, values[2:]))
    by = Counting.of(form["model.id"], form["training.length"], form["model.chat_template"])
    shown = show(studio.data, chosen.settings, chosen.name, by, is_new=True)
    return [notice, *shown.values(), cards, *values]


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
    called = f"{views.run_number(run.id)} “{recipe.name}”"
    words = (f"This goes on from what {called} has learnt.", "Choose for how many epochs more, then start training.")
    return ["", gr.Tabs(selected="method"), views.notice(*words, kind="info"), *filled]


def _wire_memory(studio: Studio, page: gr.Blocks, parts: data.Parts, by: CountingInputs) -> None:
    """What was chosen before the page was loaded anew is chosen again."""
    by.wire(
        page.load,
        partial(data.restore, studio.data),
        [parts.remembered],
        parts.display(),
        api_name="data_restore",
        **QUIET,
    )


def to_compare(studio: Studio, run_id: str | None) -> tuple:
    """The Compare tab with the run that was being watched."""
    return gr.Tabs(selected="compare"), gr.Dropdown(train.choices(studio, with_model=True), value=run_id), run_id


def _wire_clock(studio: Studio, page: gr.Blocks, tabs: gr.Tabs, status: gr.HTML, parts: dict, asked: list) -> None:
    """What keeps the page up to date: once on load, then at each tick, sending only what is new; ``asked`` at once."""
    watched, compared = parts["train"], parts["compare"]
    clock, seen, choosing = gr.Timer(TICK_S), gr.State({}), gr.HTML(elem_id="choosing", elem_classes="visually-hidden")
    inputs = [seen, watched.watching, compared.comparing]
    outputs = [seen, choosing, status, *watched.looked()]
    tick, at_once = total(partial(refresh, studio, anew=False)), total(partial(refresh, studio))
    clock.tick(tick, inputs, outputs, queue=False, api_name="tick", postprocess=False, **QUIET)
    page.load(tick, inputs, outputs, queue=False, api_name="load", **QUIET)
    follows = [watched.run, compared.run, clock]
    choosing.change(offered, seen, follows, queue=False, api_name="choosers", **QUIET)
    chosen = watched.run.input(same, watched.run, watched.watching, queue=False, api_name="train_choose", **QUIET)
    for event in (chosen, *asked):
        event.then(at_once, inputs, outputs, queue=False, api_name="train_show", **QUIET)
    compared.run.input(same, compared.run, compared.comparing, queue=False, api_name="compare_keep", **QUIET)
    page.load(opened, None, tabs, queue=False, api_name="open", **QUIET)
    page.load(studio.warm, queue=False, api_name="warm", **QUIET)


def same(run_id: str | None) -> str | None:
    """The run that was chosen, to be remembered."""
    return run_id


def opened(request: gr.Request) -> gr.Tabs:
    """The tab that the address asks for with ``?tab=train``; nothing for the first, which is open already."""
    asked = request.query_params.get("tab")
    return gr.Tabs(selected=asked) if asked in TABS[1:] else gr.skip()
