"""The Method tab: the training method, the model, the settings, and the button that starts the run."""

from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.adapters import ADAPTERS
from finetune.advice import Advice
from finetune.errors import FinetuneError, RecipeError
from finetune.machine.space import space
from finetune.methods import METHODS
from finetune.recipe import EvaluationSettings, ModelSettings, Recipe, TrainingSettings, read_yaml
from finetune.sweep import recipes
from finetune.ui import inputs, views
from finetune.ui.data.counting import Counting, CountingInputs
from finetune.ui.data.desk import Chosen
from finetune.ui.data.samples import GENERAL
from finetune.ui.form import Form, recipe_of
from finetune.ui.method import advisor, axes, fit, radios, recipe_box, rewards, sweep
from finetune.ui.method.catalog import title
from finetune.ui.method.models import describe_model, inspect_model, model_choices
from finetune.ui.method.presets import presets
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

FIRST_PRESET = "lora"
NO_DATA = "Choose data first, on the Data tab."


@dataclass
class Parts:
    """The components that other tabs and the wires need."""

    form: Form
    advisor: advisor.Parts
    presets: gr.HTML
    axes: axes.Parts
    kind: gr.State
    """The kind of the data for which method and adapter were chosen; empty before there is any."""
    rewards: rewards.Parts
    method: gr.Dropdown
    adapter: gr.Dropdown
    model_note: gr.HTML
    recipe: recipe_box.RecipeBox
    problems: gr.HTML
    fit: fit.Parts
    start: gr.Button

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
    gr.HTML(views.lead("Choose how the model is trained."))
    asked = advisor.draw()
    drawn = gr.HTML(draw_presets(None, *types_of(FIRST_PRESET)), js_on_load=views.PICK, elem_id="presets")
    fold = axes.draw()
    model_note = _draw_basics(studio, form)
    earned = rewards.draw(form, types_of(FIRST_PRESET)[0])
    with gr.Accordion("More settings", open=False, elem_id="more-settings"):
        method, adapter = _draw_types(form)
        for path, cls in (("training", TrainingSettings), ("evaluation", EvaluationSettings), ("model", ModelSettings)):
            gr.HTML(f"<h4>{path.capitalize()}</h4>")
            with gr.Row(elem_classes="fields"):
                form.draw_rest(path, cls)
    box = recipe_box.draw()
    if found := space(studio.everything.path):
        kind = "info" if found.is_kept else "warning"
        gr.HTML(views.notice(found.keeps, found.sleeps, kind=kind), elem_id="space")
    problems = gr.HTML(elem_id="problems")
    with gr.Row(elem_classes="primary-row"):
        line = fit.draw(NO_DATA)
        start = gr.Button(
            "Start training", variant="primary", interactive=False, elem_id="start", scale=0, min_width=220
        )
    return Parts(
        form=form,
        advisor=asked,
        presets=drawn,
        axes=fold,
        kind=gr.State(""),
        rewards=earned,
        method=method,
        adapter=adapter,
        model_note=model_note,
        recipe=box,
        problems=problems,
        fit=line,
        start=start,
    )


def _draw_basics(studio: Studio, form: Form) -> gr.HTML:
    """The inputs that everyone sees; returns the note on the model."""
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
            info="The base model. Pick one, or type the id of a model on huggingface.co.",
        )
        form.draw("", Recipe, "name")
    note = gr.HTML(elem_id="model-note")
    with gr.Row(elem_classes="fields four"):
        for name in ("epochs", "learning_rate", "length", "seed"):
            form.draw("training", TrainingSettings, name)
    return note


def _draw_types(form: Form) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Method and adapter, and below them the settings of each."""
    chosen = types_of(FIRST_PRESET)
    gr.HTML("<h4>Method and adapter</h4>")
    with gr.Row(elem_classes="fields"):
        method = gr.Dropdown(
            _titles(METHODS),
            value=chosen[0],
            filterable=False,
            label="Method",
            info="The training objective. The cards above set method and adapter too.",
            elem_id="method",
        )
        adapter = gr.Dropdown(
            _titles(ADAPTERS),
            value=chosen[1],
            filterable=False,
            label="Adapter",
            info="The trainable parameters: all weights, or a small adapter beside the frozen model.",
            elem_id="adapter",
        )
    form.draw_types("method", chosen[0])
    form.draw_types("adapter", chosen[1])
    return method, adapter


def wire(studio: Studio, parts: Parts, chosen: gr.State) -> None:
    """The tab's own events; starting and loading a recipe reach other tabs and are wired in ``page``."""
    form, types = parts.form, [parts.method, parts.adapter]
    parts.presets.pick(pick_preset, None, types, api_name="method_pick", **QUIET)
    gr.on(
        [parts.method.input, parts.adapter.input],
        draw_presets,
        [chosen, *types],
        parts.presets,
        api_name="method_presets",
        **QUIET,
    )
    axes.wire(studio, parts.axes, form, types, chosen).then(
        draw_presets, [chosen, *types], parts.presets, api_name="axes_presets", **QUIET
    )
    for path, chooser in (("method", parts.method), ("adapter", parts.adapter)):
        groups = list(form.type_groups(path).values())
        chooser.change(partial(form.show_types, path), chooser, groups, api_name=f"{path}_settings", **QUIET)
    start = [form.inputs[f"model.{name}"] for name in ("id", "run", "revision")]
    described = gr.on(
        [part.change for part in start],
        partial(describe_model, studio),
        start,
        parts.model_note,
        api_name="model_note",
        **QUIET,
    )
    # The Hub may be slow, so this is an event of its own, for which nothing else on the page waits.
    inspected = described.then(
        partial(inspect_model, studio),
        start,
        parts.model_note,
        trigger_mode="always_last",
        api_name="model_inspect",
        **QUIET,
    )
    chosen.change(
        partial(suit, form),
        [parts.kind, chosen, *types],
        [parts.presets, parts.kind, *types, form.inputs["name"], parts.start, parts.fit.estimate],
        api_name="method_suit",
        **QUIET,
    )
    rewards.wire(studio, parts.rewards, form, parts.method, partial(current, form), [chosen, *parts.settings()])
    advisor.wire(studio, parts.advisor, partial(current, form), chosen, parts.settings(), start)
    _wire_recipe(studio, parts, chosen, inspected)


def _wire_recipe(studio: Studio, parts: Parts, chosen: gr.State, inspected) -> None:
    """The recipe follows the form, and the estimate follows the recipe and what is known of an ``inspected`` model."""
    form, box, given = parts.form, parts.recipe, [chosen, *parts.settings()]
    written = gr.on(
        [*(component.change for component in parts.settings()), chosen.change],
        partial(write_recipe, form),
        given,
        box.text,
        trigger_mode="always_last",
        api_name="recipe_write",
        **QUIET,
    )
    fit.wire(studio, parts.fit, form, partial(current, form), (written, inspected), given)
    recipe_box.wire(box, studio.downloads)


def pick_preset(event: gr.EventData) -> tuple[str, str]:
    """The method and adapter of the preset that was picked."""
    return types_of(inputs.picked(event))


def types_of(name: str) -> tuple[str, str]:
    """The method and adapter of the preset ``name``; of the first preset if there is none of that name."""
    found = next((preset for preset in presets() if preset.name == name), presets()[0])
    return found.method["type"], found.adapter["type"]


def draw_presets(chosen: Chosen | None, method: str, adapter: str) -> str:
    """The presets for the chosen data; the one with this method and adapter is checked."""
    return radios.group(presets(), chosen.kind if chosen else "", method, adapter)


def suit(form: Form, kind: str, chosen: Chosen | None, method: str, adapter: str) -> tuple:
    """The presets, kind, types, name, Start button and estimate for newly chosen data; ``kind`` is that of the last."""
    if chosen is None or not chosen.kind:
        return *[gr.skip()] * 5, gr.Button(interactive=False), views.small(NO_DATA)
    method, adapter = radios.suited(presets(), chosen.kind, method, adapter, is_new=chosen.kind != kind)
    return (
        draw_presets(chosen, method, adapter),
        chosen.kind,
        method,
        adapter,
        chosen.name,
        gr.Button(interactive=True),
        views.small("Estimating memory and time…"),
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
    """The recipe as YAML; unchanged while there is no data or a value is refused."""
    try:
        return current(form, chosen, given).to_yaml()
    except RecipeError:
        return gr.skip()


def start(studio: Studio, form: Form, chosen: Chosen | None, *given) -> tuple[str | None, str]:
    """The id of the new run and no problems; or None and what to fix."""
    try:
        return studio.start(current(form, chosen, given)).id, ""
    except FinetuneError as error:
        problems = tuple(form.label(problem) for problem in error.problems)
        return None, views.notice(error.message, error.hint, problems)


def load(studio: Studio, form: Form, text: str) -> tuple[Chosen | None, str, list, str]:
    """What a pasted recipe describes: its data, a notice, the values of ``Parts.settings()``, and the presets."""
    try:
        recipe, *others = recipes(read_yaml(text))
        if others:
            return None, sweep.refused(1 + len(others)), [], ""
        checked = studio.data.checked(recipe.data, Counting(recipe.model, recipe.training.length))
    except FinetuneError as error:
        return None, views.notice_of(error), [], ""
    data = checked.chosen(recipe.data, recipe.name)
    values = [recipe.method.type, recipe.adapter.type, *form.fill(recipe)]
    drawn = draw_presets(data, recipe.method.type, recipe.adapter.type)
    return data, views.notice("The recipe is in the form now.", kind="info"), values, drawn


def advised(form: Form, advice: Advice, chosen: Chosen | None, given: tuple) -> Recipe:
    """The recipe that the tab describes with what ``advice`` changes; without data, with none in it."""
    method, adapter, *values = given
    data = chosen.settings.model_dump(exclude_defaults=True) if chosen and chosen.kind else {"path": "none"}
    replay = {"data.replay": GENERAL} if advice.replay and chosen else {}
    return recipe_of(form.values(tuple(values)), data, method, adapter).changed(**advice.changes, **replay)


def _titles(types: dict) -> list[tuple[str, str]]:
    return [(title(cls), name) for name, cls in types.items()]
