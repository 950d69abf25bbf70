"""The Method tab: how it should learn, from which model, with which settings, and the button that starts it."""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from finetune.adapters import ADAPTERS
from finetune.errors import FinetuneError, RecipeError
from finetune.methods import METHODS
from finetune.recipe import EvaluationSettings, ModelSettings, Recipe, TrainingSettings, read_yaml
from finetune.runs.run import slug
from finetune.sweep import recipes
from finetune.ui import views
from finetune.ui.data.counting import Counting, CountingInputs
from finetune.ui.data.desk import Chosen
from finetune.ui.form import Form, recipe_of
from finetune.ui.method import fit
from finetune.ui.method.cards import cards, matching, suited
from finetune.ui.method.models import describe_model, model_choices
from finetune.ui.method.presets import presets
from finetune.ui.method.sweep import offer, several
from finetune.ui.studio import Studio

FIRST_CARD = "lora"
NO_DATA = "Choose data first, on the Data tab."


@dataclass
class Parts:
    """What other tabs and the wires need of this tab."""

    form: Form
    cards: gr.HTML
    method: gr.Dropdown
    adapter: gr.Dropdown
    model_note: gr.HTML
    recipe_text: gr.Textbox
    recipe_file: gr.UploadButton
    recipe_use: gr.Button
    recipe_queue: gr.Button
    recipe_download: gr.Button
    recipe_ready: gr.DownloadButton
    problems: gr.HTML
    fit: fit.Parts
    start: gr.Button

    @property
    def model(self) -> gr.Dropdown:
        return self.form.inputs["model.id"]

    def counted_by(self) -> CountingInputs:
        """The inputs that decide how tokens are counted."""
        inputs = self.form.inputs
        return CountingInputs(
            model=inputs["model.id"], length=inputs["training.length"], template=inputs["model.chat_template"]
        )

    def settings(self) -> list:
        """The inputs that make up a recipe, in the order the handlers take them."""
        return [self.method, self.adapter, *self.form.components()]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    form = Form()
    gr.HTML(views.lead("How should it learn?"))
    drawn_cards = gr.HTML(cards(presets(), "", FIRST_CARD), js_on_load=views.PICK, elem_id="cards")
    with gr.Row(elem_classes="fields"):
        form.draw(
            "model",
            ModelSettings,
            "id",
            component=gr.Dropdown,
            label="Model",
            choices=model_choices(studio),
            allow_custom_value=True,
            filterable=True,
            info="Pick one, or type the id of a model on huggingface.co.",
        )
        form.draw("", Recipe, "name")
    model_note = gr.HTML(elem_id="model-note")
    with gr.Row(elem_classes="fields four"):
        for name in ("epochs", "learning_rate", "length", "seed"):
            form.draw("training", TrainingSettings, name)
    with gr.Accordion("More settings", open=False, elem_id="more-settings"):
        method, adapter = _draw_types(form)
        with gr.Row(elem_classes="fields"):
            form.draw_rest("training", TrainingSettings)
        with gr.Row(elem_classes="fields"):
            form.draw_rest("evaluation", EvaluationSettings)
            form.draw_rest("model", ModelSettings)
    with gr.Accordion("Recipe (YAML)", open=False, elem_id="recipe"):
        gr.HTML(
            views.small(
                "Everything that decides a run, in a few lines. Keep it, share it, or paste one here: "
                "equal recipes on equal data give equal runs. Give a setting several values, for instance "
                "learning_rate: [0.001, 0.003], and each of them is tried."
            )
        )
        text = gr.Textbox(
            lines=12,
            max_lines=30,
            show_label=False,
            label="Recipe",
            buttons=["copy"],
            elem_id="recipe-text",
            elem_classes="mono",
        )
        with gr.Row(elem_classes="actions"):
            queue = gr.Button("Queue all runs", variant="primary", size="sm", visible=False, elem_id="recipe-queue")
            use = gr.Button("Use this recipe", size="sm")
            file = gr.UploadButton("Open a file", file_types=[".yaml", ".yml"], size="sm")
            download = gr.Button("Download", size="sm")
            ready = gr.DownloadButton(visible="hidden", elem_id="recipe-ready")
    problems = gr.HTML(elem_id="problems")
    with gr.Row(elem_classes="primary-row"):
        line = fit.draw(NO_DATA)
        start = gr.Button(
            "Start training", variant="primary", interactive=False, elem_id="start", scale=0, min_width=220
        )
    return Parts(
        form,
        drawn_cards,
        method,
        adapter,
        model_note,
        text,
        file,
        use,
        queue,
        download,
        ready,
        problems,
        line,
        start,
    )


def _draw_types(form: Form) -> tuple[gr.Dropdown, gr.Dropdown]:
    preset = suited(presets(), "", FIRST_CARD)
    with gr.Row(elem_classes="fields"):
        method = gr.Dropdown(
            _titles(METHODS),
            value=preset.method["type"],
            filterable=False,
            label="What it learns from",
            info="The cards above set this and the next one together; here you can combine them as you like.",
            elem_id="method",
        )
        adapter = gr.Dropdown(
            _titles(ADAPTERS),
            value=preset.adapter["type"],
            filterable=False,
            label="What may change in the model",
            info="The whole model, or a small add-on beside it.",
            elem_id="adapter",
        )
    form.draw_types("method", preset.method["type"])
    form.draw_types("adapter", preset.adapter["type"])
    return method, adapter


def wire(studio: Studio, parts: Parts, chosen: gr.State) -> None:
    """The tab's own events; starting and loading a recipe reach other tabs and are wired in ``page``."""
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    types = [parts.method, parts.adapter]
    form = parts.form
    parts.cards.pick(pick_card, None, types, api_name="method_pick", **quiet)
    gr.on(
        [parts.method.input, parts.adapter.input],
        draw_cards,
        [chosen, *types],
        parts.cards,
        api_name="method_cards",
        **quiet,
    )
    parts.method.change(
        partial(form.show_types, "method"),
        parts.method,
        list(form.type_groups("method").values()),
        api_name="method_settings",
        **quiet,
    )
    parts.adapter.change(
        partial(form.show_types, "adapter"),
        parts.adapter,
        list(form.type_groups("adapter").values()),
        api_name="adapter_settings",
        **quiet,
    )
    start = [parts.model, form.inputs["model.run"]]
    gr.on(
        [part.change for part in start],
        partial(describe_model, studio),
        start,
        parts.model_note,
        api_name="model_note",
        **quiet,
    )
    changes = [component.change for component in parts.settings()]
    written = gr.on(
        [*changes, chosen.change],
        partial(write_recipe, form),
        [chosen, *parts.settings()],
        parts.recipe_text,
        trigger_mode="always_last",
        api_name="recipe_write",
        **quiet,
    )
    fit.wire(studio, parts.fit, form, partial(current, form), written, [chosen, *parts.settings()])
    chosen.change(
        partial(suit, form),
        [chosen, *types],
        [parts.cards, *types, form.inputs["name"], parts.start, parts.fit.estimate],
        api_name="method_suit",
        **quiet,
    )
    parts.recipe_download.click(save_text, parts.recipe_text, parts.recipe_ready, api_name="recipe_file", **quiet).then(
        None, None, None, js="() => document.querySelector('#recipe-ready').click()", api_visibility="private"
    )
    parts.recipe_text.change(offer, parts.recipe_text, parts.recipe_queue, api_name="recipe_offer", **quiet)
    parts.recipe_file.upload(read_text, parts.recipe_file, parts.recipe_text, api_name="recipe_open", **quiet)


def pick_card(event: gr.EventData) -> tuple[str, str]:
    """The method and adapter of the card that was picked."""
    return types_of(event.pick)


def types_of(name: str) -> tuple[str, str]:
    """The method and adapter of the card ``name``; of the first card for a name there is none of."""
    found = next((preset for preset in presets() if preset.name == name), presets()[0])
    return found.method["type"], found.adapter["type"]


def draw_cards(chosen: Chosen | None, method: str, adapter: str) -> str:
    """The cards for the chosen data, with the one checked that stands for this method and adapter."""
    return cards(presets(), chosen.kind if chosen else "", matching(presets(), method, adapter))


def suit(form: Form, chosen: Chosen | None, method: str, adapter: str) -> tuple:
    """The cards, types, name, Start button and estimate that go with newly chosen data."""
    if chosen is None or not chosen.kind:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.Button(interactive=False), views.small(NO_DATA)
    if chosen.kind not in METHODS[method].reads:
        preset = suited(presets(), chosen.kind, matching(presets(), method, adapter))
        method, adapter = preset.method["type"], preset.adapter["type"]
    return (
        draw_cards(chosen, method, adapter),
        method,
        adapter,
        chosen.name,
        gr.Button(interactive=True),
        views.small("Working out memory and time…"),
    )


def current(form: Form, chosen: Chosen | None, given: tuple) -> Recipe:
    """The recipe the tab describes now; all that is wrong with it raises one ``RecipeError``, in the page's labels."""
    if chosen is None or not chosen.kind:
        raise RecipeError("There is no data yet.", NO_DATA)
    method, adapter, *values = given
    try:
        return recipe_of(form.values(tuple(values)), chosen.settings.model_dump(exclude_defaults=True), method, adapter)
    except RecipeError as error:
        raise RecipeError(error.message, error.hint, tuple(form.label(problem) for problem in error.problems)) from None


def write_recipe(form: Form, chosen: Chosen | None, *given) -> str:
    """The recipe as YAML; nothing while there is no data or a value is refused."""
    try:
        return current(form, chosen, given).to_yaml()
    except RecipeError:
        return gr.skip()


def start(studio: Studio, form: Form, chosen: Chosen | None, *given) -> tuple[str | None, str]:
    """The id of the new run and nothing to mend; or None and what is to be mended."""
    try:
        return studio.start(current(form, chosen, given)).id, ""
    except FinetuneError as error:
        problems = tuple(form.label(problem) for problem in error.problems)
        return None, views.notice(error.message, error.hint, problems)


def load(studio: Studio, form: Form, text: str) -> tuple[Chosen | None, str, list, str]:
    """What a pasted recipe says: its data, a notice, the values of ``Parts.settings()`` in order, and the cards."""
    try:
        recipe, *others = recipes(read_yaml(text))
        if others:
            return None, several(1 + len(others)), [], ""
        checked = studio.data.checked(recipe.data, Counting(recipe.model, recipe.training.length))
    except FinetuneError as error:
        return None, views.notice_of(error), [], ""
    data = checked.chosen(recipe.data, recipe.name)
    values = [recipe.method.type, recipe.adapter.type, *form.fill(recipe)]
    drawn = draw_cards(data, recipe.method.type, recipe.adapter.type)
    return data, views.notice("The recipe is in the form now.", kind="info"), values, drawn


def save_text(text: str) -> str:
    """The path of a new file that holds the recipe."""
    try:
        name = slug(Recipe.from_yaml(text).name)
    except FinetuneError:
        name = "recipe"
    path = Path(tempfile.mkdtemp()) / f"{name}.yaml"
    path.write_text(text or "", encoding="utf-8")
    return str(path)


def read_text(path: str) -> str:
    """The text of an uploaded recipe."""
    return Path(path).read_text(encoding="utf-8", errors="replace")[:100_000]


def _titles(types: dict) -> list[tuple[str, str]]:
    return [(f"{cls.title} ({cls.__name__})", name) for name, cls in types.items()]
