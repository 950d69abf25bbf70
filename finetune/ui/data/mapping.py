"""The form that says how a file is read: its format, which column is which part, the roles, and the split.

The first three rows are shown as they would be read, before anything is applied.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import gradio as gr
from pydantic import ValidationError

from finetune.data.formats import FORMATS, FormatField
from finetune.data.formats.mapping import MEANINGS
from finetune.data.readers.encoding_names import TITLES
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.settings import fields, problems_of

MOST_PARTS = 8
"""Column choosers drawn; no format has more parts than this."""
DETECT = "auto"
NONE = "(none)"
FIRST = "(the first that is a table)"
HELP = {setting.name: setting.help for setting in fields(DataSettings)}
ENCODINGS = [(title, name) for name, title in TITLES.items()]


@dataclass(frozen=True)
class Input:
    """One input of the form: its setting, how it is drawn, and the way from its value and back."""

    setting: str
    """The field of ``DataSettings``."""
    label: str
    component: type = gr.Textbox
    options: dict = field(default_factory=dict)
    """Further arguments of the component, beside label and help."""
    read: Callable[[object], object] = lambda value: value
    """The setting's value from the input's; ``DataError`` says what is wrong with it."""
    write: Callable[[object], object] = lambda value: value
    """The input's value from the setting's."""
    is_column: bool = False
    """True if it chooses a column of the file."""
    is_sheet: bool = False
    """True if it chooses a sheet of the workbook, or a file of the archive."""

    def draw(self) -> gr.components.Component:
        """The component, with the setting's default."""
        default = DataSettings.model_fields[self.setting].get_default(call_default_factory=True)
        options = {"label": self.label, "info": HELP[self.setting], **self.options}
        return self.component(value=self.write(default), elem_id=f"mapping-{self.setting.replace('_', '-')}", **options)

    def filled(self, settings: DataSettings, columns: tuple[str, ...], sheets: tuple[str, ...]) -> object:
        """A value or update that shows ``settings``, for a file with these ``columns`` and ``sheets``."""
        value = self.write(getattr(settings, self.setting))
        if self.is_sheet:
            return gr.Dropdown([FIRST, *sheets], value=value if value in sheets else FIRST, visible=len(sheets) > 1)
        return gr.Dropdown([NONE, *columns], value=value if value in columns else NONE) if self.is_column else value


@dataclass
class Mapping:
    """The components of the form."""

    fold: gr.Accordion
    format: gr.Dropdown
    columns: list[gr.Dropdown]
    others: list[gr.components.Component]
    """Those of ``INPUTS``."""
    effect: gr.HTML
    apply: gr.Button

    def inputs(self) -> list:
        """What a person fills in, in the order that ``settings_of`` reads and ``filled`` writes."""
        return [self.format, *self.columns, *self.others]


def read_roles(text: str) -> dict[str, str]:
    """``customer: user, agent: assistant``, or one on each line."""
    found = {}
    for part in filter(None, (part.strip() for part in re.split(r"[,\n]", text or ""))):
        name, colon, role = part.rpartition(":")
        if not colon or not name.strip() or role.strip() not in MEANINGS:
            raise DataError(f'"{part[:60]}" names no role.', "Write for example: customer: user, agent: assistant.")
        found[name.strip()] = role.strip()
    return found


def write_roles(roles: dict[str, str]) -> str:
    """The text that ``read_roles`` reads, one role on each line."""
    return "\n".join(f"{name}: {role}" for name, role in roles.items())


def read_share(percent: float | None) -> float:
    """A percentage as a share of one."""
    percent = percent or 0
    if not 0 <= percent <= 50:
        raise DataError(f"{percent:g} % of the rows cannot be held out.", "Choose 0 to 50 %.")
    return percent / 100


def read_column(column: str | None) -> str | None:
    """The column that was chosen; None for none."""
    return column if column and column != NONE else None


def _column(setting: str, label: str) -> Input:
    options = {"choices": [NONE], "filterable": False}
    return Input(setting, label, gr.Dropdown, options, read_column, lambda column: column or NONE, is_column=True)


ROWS = (
    (
        Input(
            "system",
            "System prompt",
            options={"lines": 2},
            read=lambda text: (text or "").strip() or None,
            write=lambda text: text or "",
        ),
        Input(
            "roles",
            "Roles",
            options={
                "lines": 2,
                "placeholder": "customer: user\nagent: assistant",
                "info": "The role of each speaker, where they have names of their own; one on each line.",
            },
            read=read_roles,
            write=write_roles,
        ),
    ),
    (
        Input(
            "held_out_share",
            "Held-out rows, in %",
            gr.Number,
            {"step": 5},
            read_share,
            lambda share: round(100 * share, 4),
        ),
        _column("group", "Group by"),
        _column("stratify", "Stratify by"),
    ),
    (
        Input(
            "sheet",
            "Sheet or file",
            gr.Dropdown,
            {"choices": [FIRST], "filterable": False, "visible": False},
            read=lambda sheet: sheet if sheet and sheet != FIRST else None,
            write=lambda sheet: sheet or FIRST,
            is_sheet=True,
        ),
        Input(
            "encoding",
            "Encoding",
            gr.Dropdown,
            {
                "choices": ENCODINGS,
                "filterable": False,
                "info": "The character encoding of the file. Choose another where characters look wrong.",
            },
        ),
        Input("threshold", "Threshold of ratings", gr.Number, {"step": 1}),
    ),
    (Input("whole_text", "The whole text as one row", gr.Checkbox),),
)
"""The inputs beside the format and its columns, as they are laid out."""
INPUTS = [each for row in ROWS for each in row]


def draw() -> Mapping:
    """The form in a fold."""
    with gr.Accordion("Format and columns", open=False, visible=False, elem_id="mapping") as fold:
        format_ = gr.Dropdown(
            format_choices(),
            value=DETECT,
            filterable=False,
            label="Format",
            info="The schema of a row. Choose another where the detected one is wrong.",
            elem_id="format",
        )
        with gr.Row(elem_classes="fields"):
            columns = [
                gr.Dropdown(visible=False, allow_custom_value=True, min_width=140, elem_id=f"column-{n}")
                for n in range(MOST_PARTS)
            ]
        effect = gr.HTML(elem_id="effect")
        others = []
        with gr.Accordion("System prompt, held-out rows, encoding", open=False, elem_id="mapping-more"):
            for row in ROWS:
                with gr.Row(elem_classes="fields"):
                    others += [each.draw() for each in row]
        apply = gr.Button("Apply", size="sm", elem_id="mapping-apply")
    return Mapping(fold=fold, format=format_, columns=columns, others=others, effect=effect, apply=apply)


def settings_of(given: tuple, settings: DataSettings, with_columns: bool = True) -> DataSettings:
    """``settings`` with the values ``given`` in ``Mapping.inputs()``; one that is refused raises ``DataError``.

    Without ``with_columns`` the columns are detected again, as after choosing another format.
    """
    format_, columns, others = given[0], given[1 : 1 + MOST_PARTS], given[1 + MOST_PARTS :]
    parts = parts_of(format_) if with_columns else []
    changed = {each.setting: each.read(value) for each, value in zip(INPUTS, others, strict=True)}
    changed["format"] = format_
    changed["columns"] = {part.name: column for part, column in zip(parts, columns) if read_column(column)}
    try:
        return settings.changed(**changed)
    except ValidationError as error:
        raise DataError("The data cannot be read like this.", problems=tuple(problems_of(error))) from None


def filled(
    settings: DataSettings,
    format_: str,
    columns: tuple[str, ...],
    mapped: dict[str, str],
    sheets: tuple[str, ...] = (),
) -> list:
    """An update for each of ``Mapping.inputs()``: the ``settings``, and for the rest what was detected."""
    others = [each.filled(settings, columns, sheets) for each in INPUTS]
    return [format_, *column_choosers(format_, columns, mapped), *others]


def column_choosers(format_: str, columns: tuple[str, ...], mapped: dict[str, str]) -> list:
    """An update for each column chooser: one for each part of the format, the others hidden."""
    parts = parts_of(format_) if columns else []
    choosers = [
        gr.Dropdown(
            [NONE, *columns],
            value=mapped.get(part.name, NONE),
            label=f"Column: {part.name}",
            info=part.help,
            visible=True,
        )
        for part in parts
    ]
    return choosers + [gr.Dropdown(visible=False)] * (MOST_PARTS - len(choosers))


def parts_of(format_: str) -> list[FormatField]:
    """The fields of a format in the order of the column choosers, required ones first."""
    parts = FORMATS[format_].fields if format_ in FORMATS else ()
    return sorted(parts, key=lambda part: not part.required)[:MOST_PARTS]


def format_choices() -> list[tuple[str, str]]:
    """The formats to choose from, detection first; those that cannot be trained on are left out."""
    return [("Detect it", DETECT), *((form.title, name) for name, form in FORMATS.items())]
