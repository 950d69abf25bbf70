"""Form: an input for each setting, drawn from the settings class, and the way back from inputs to a recipe.

A setting's label, help, bounds and default come from ``settings.fields``; this module adds nothing about any
one of them. Out-of-bounds values pass through here: the recipe refuses them, with the same words everywhere.
"""

from dataclasses import dataclass, field

import gradio as gr

from finetune.adapters import ADAPTERS
from finetune.errors import Problem
from finetune.methods import METHODS
from finetune.recipe import Recipe
from finetune.settings import Field, Settings, fields

AUTOMATIC = "automatic"
LONGEST_LIST = 100_000
"""Characters of all texts of a list."""
TYPES = {"method": METHODS, "adapter": ADAPTERS}


@dataclass
class Form:
    """The inputs so far, by dotted path: ``training.epochs``, and ``adapter.lora.rank`` for what only one type has."""

    inputs: dict[str, gr.components.Component] = field(default_factory=dict)
    groups: dict[str, gr.Group] = field(default_factory=dict)
    """The inputs that only one type has, by path: ``adapter.lora``."""
    _fields: dict[str, Field] = field(default_factory=dict)

    def draw(self, path: str, cls: type[Settings], name: str, **options) -> gr.components.Component:
        """An input for the setting ``name`` of ``cls``, known from now on as ``path.name``."""
        setting = next(setting for setting in fields(cls) if setting.name == name)
        full = f"{path}.{name}" if path else name
        self._fields[full] = setting
        self.inputs[full] = _input(setting, elem_id=f"setting-{full.replace('.', '-').replace('_', '-')}", **options)
        return self.inputs[full]

    def draw_rest(self, path: str, cls: type[Settings]) -> None:
        """An input for every setting of ``cls`` that has none yet; groups of settings are left out."""
        for setting in fields(cls):
            if f"{path}.{setting.name}".removeprefix(".") not in self.inputs and setting.kind != "group":
                self.draw(path, cls, setting.name)

    def draw_types(self, path: str, chosen: str) -> None:
        """For each type of method or adapter, its own settings in a group; that of ``chosen`` is visible."""
        for name, cls in TYPES[path].items():
            with gr.Group(visible=name == chosen) as group, gr.Row(elem_classes="fields"):
                self.draw_rest(f"{path}.{name}", cls)
            self.groups[f"{path}.{name}"] = group

    def components(self) -> list[gr.components.Component]:
        """All inputs, in the order that ``values`` and ``fill`` use."""
        return list(self.inputs.values())

    def values(self, given: tuple) -> dict[str, object]:
        """The values in the inputs, by path; an emptied input is None or the default."""
        return {path: _read(self._fields[path], value) for path, value in zip(self.inputs, given, strict=True)}

    def fill(self, recipe: Recipe) -> list:
        """The value of each input for ``recipe``; inputs of other types get their default."""
        return [_written(setting, _value_in(recipe, path, setting)) for path, setting in self._fields.items()]

    def show_types(self, path: str, chosen: str) -> list:
        """An update for each group of ``path``: only that of ``chosen`` is visible."""
        return [gr.Group(visible=name == f"{path}.{chosen}") for name in self.type_groups(path)]

    def type_groups(self, path: str) -> dict[str, gr.Group]:
        """The groups that ``show_types`` updates."""
        return {name: group for name, group in self.groups.items() if name.startswith(f"{path}.")}

    def label(self, problem: Problem) -> Problem:
        """``problem`` with the label of the setting in place of its path."""
        shown = self.inputs.get(problem.where)
        return Problem(shown.label if shown else problem.where, problem.message, problem.hint)


def recipe_of(values: dict[str, object], data: dict, method: str, adapter: str) -> Recipe:
    """The recipe that a form's values describe; what is wrong with them raises one ``RecipeError``."""
    groups: dict[str, dict] = {"model": {}, "training": {}, "evaluation": {}, "method": {}, "adapter": {}}
    groups["method"]["type"], groups["adapter"]["type"] = method, adapter
    chosen = {"method": method, "adapter": adapter}
    name = ""
    for path, value in values.items():
        group, _, rest = path.partition(".")
        if group in TYPES:
            kind, _, rest = rest.partition(".")
            if kind != chosen[group]:
                continue
        if rest:
            groups[group][rest] = value
        else:
            name = str(value or "").strip()
    return Recipe.from_dict({"name": name or "untitled", "data": data, **groups})


def _input(setting: Field, component: type | None = None, **options) -> gr.components.Component:
    options = {"label": setting.label, "info": setting.help, "value": _written(setting, setting.default), **options}
    if component:
        return component(**options)
    if setting.kind == "choice":
        return gr.Dropdown(choices=list(setting.choices), filterable=False, **options)
    if setting.kind == "switch" and setting.optional:
        return gr.Dropdown(choices=[AUTOMATIC, "yes", "no"], filterable=False, **options)
    if setting.kind == "switch":
        return gr.Checkbox(**options)
    if setting.kind in ("integer", "number"):
        # Not gr.Number: it shows an empty value as 0. Text that is no number is refused by the recipe, by name.
        attributes = gr.InputHTMLAttributes(autocomplete="off", spellcheck=False)
        return gr.Textbox(placeholder=AUTOMATIC if setting.optional else None, html_attributes=attributes, **options)
    if setting.kind == "list" and setting.choices:
        return gr.Dropdown(choices=list(setting.choices), multiselect=True, filterable=False, **options)
    if setting.kind == "list":
        return gr.Textbox(lines=3, max_length=LONGEST_LIST, **options)
    return gr.Textbox(**options)


def _read(setting: Field, value: object) -> object:
    if setting.kind == "list" and setting.choices:
        return value or []
    if setting.kind == "list":
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]
    if setting.kind == "switch" and setting.optional:
        return {"yes": True, "no": False}.get(value)
    if value is None or value == "":
        return None if setting.optional else setting.default
    if not isinstance(value, str):
        return value
    # Spaces around a text are a slip, unless they are those of the default.
    text, default = value.strip(), setting.default
    return default if isinstance(default, str) and text == default.strip() else text


def _written(setting: Field, value: object) -> object:
    if setting.kind == "list" and setting.choices:
        return list(value or ())
    if setting.kind == "list":
        return "\n".join(str(line) for line in value or ())
    if setting.kind == "switch" and setting.optional:
        return {None: AUTOMATIC, True: "yes", False: "no"}[value]
    if setting.kind in ("integer", "number"):
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return value


def _value_in(recipe: Recipe, path: str, setting: Field) -> object:
    group, _, rest = path.partition(".")
    if not rest:
        return getattr(recipe, path)
    part = getattr(recipe, group)
    if group in TYPES:
        kind, _, rest = rest.partition(".")
        if part.type != kind:
            return setting.default
    return getattr(part, rest)
