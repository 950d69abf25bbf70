"""Saying how a file is to be read: its format, which column plays which part, who speaks, and how it is split.

The first three rows are shown as they would be read, before anything is decided.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import gradio as gr
from pydantic import ValidationError

from finetune.data.formats import FORMATS, Part
from finetune.data.formats.mapping import MEANINGS
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.settings import fields, problems_of

MOST_PARTS = 5
"""Column choosers drawn; no format has more parts than this."""
DETECT = "auto"
NONE = "(none)"
HELP = {setting.name: setting.help for setting in fields(DataSettings)}
REPLAYS = [("Nothing", NONE), ("What the starter model knows", "assets/samples/general.jsonl")]
ENCODINGS = [
    ("As the file says, else UTF-8", "auto"),
    ("UTF-8", "utf-8"),
    ("UTF-16", "utf-16"),
    ("Windows Western (cp1252)", "cp1252"),
    ("Latin-1", "latin-1"),
]


@dataclass
class Mapping:
    """The components of the form."""

    fold: gr.Accordion
    format: gr.Dropdown
    columns: list[gr.Dropdown]
    roles: gr.Textbox
    system: gr.Textbox
    share: gr.Number
    group: gr.Dropdown
    stratify: gr.Dropdown
    encoding: gr.Dropdown
    whole_text: gr.Checkbox
    replay: gr.Dropdown
    replay_share: gr.Number
    effect: gr.HTML
    reread: gr.Button

    def inputs(self) -> list:
        """What a person fills in, in the order of ``Answers``."""
        return [self.format, *self.columns, *self.others()]

    def others(self) -> list:
        """The inputs beside the format and the columns."""
        return [
            self.roles,
            self.system,
            self.share,
            self.group,
            self.stratify,
            self.encoding,
            self.whole_text,
            self.replay,
            self.replay_share,
        ]


class Answers(NamedTuple):
    """What a person filled in; made with ``answers``."""

    format: str
    columns: tuple[str | None, ...]
    roles: str
    system: str
    share: float | None
    group: str | None
    stratify: str | None
    encoding: str
    whole_text: bool
    replay: str | None
    replay_share: float | None


def draw() -> Mapping:
    """The form in a fold."""
    with gr.Accordion("Not right? Say how to read it", open=False, visible=False, elem_id="mapping") as fold:
        format_ = gr.Dropdown(
            format_choices(), value=DETECT, filterable=False, label="Format", info=HELP["format"], elem_id="format"
        )
        with gr.Row(elem_classes="fields"):
            columns = [
                gr.Dropdown(visible=False, allow_custom_value=True, min_width=140, elem_id=f"column-{n}")
                for n in range(MOST_PARTS)
            ]
        effect = gr.HTML(elem_id="effect")
        with gr.Row(elem_classes="fields"):
            system = gr.Textbox(label="Instruction for every conversation", info=HELP["system"], lines=2)
            roles = gr.Textbox(label="Who is who", info=HELP["roles"], lines=2, placeholder="customer: user")
        with gr.Row(elem_classes="fields"):
            share = gr.Number(label="Share kept for checking", info=HELP["held_out_share"], value=0.1, step=0.05)
            group = gr.Dropdown([NONE], value=NONE, filterable=False, label="Keep together", info=HELP["group"])
            stratify = gr.Dropdown([NONE], value=NONE, filterable=False, label="Same shares", info=HELP["stratify"])
        with gr.Row(elem_classes="fields"):
            encoding = gr.Dropdown(
                ENCODINGS, value="auto", filterable=False, label="Letters", info=HELP["encoding"], elem_id="encoding"
            )
            whole_text = gr.Checkbox(False, label="The whole text as one row", info=HELP["whole_text"])
        with gr.Row(elem_classes="fields"):
            replay = gr.Dropdown(
                REPLAYS,
                value=NONE,
                filterable=False,
                label="Against forgetting",
                info="General rows mixed in, so that it keeps what it could do; not where they contradict yours.",
                elem_id="replay",
            )
            replay_share = gr.Number(label="Their share", info=HELP["replay_share"], value=0.1, step=0.05)
        reread = gr.Button("Read it this way", size="sm", elem_id="reread")
    others = (roles, system, share, group, stratify, encoding, whole_text, replay, replay_share)
    return Mapping(fold, format_, columns, *others, effect, reread)


def answers(given: tuple) -> Answers:
    """The values of ``Mapping.inputs()``, by name."""
    return Answers(given[0], tuple(given[1 : 1 + MOST_PARTS]), *given[1 + MOST_PARTS :])


def settings_of(said: Answers, settings: DataSettings, with_columns: bool = True) -> DataSettings:
    """``settings`` with what a person said; a value that is refused raises ``DataError``.

    Without ``with_columns`` the columns are looked for anew, as after choosing another format.
    """
    parts = parts_of(said.format) if with_columns else []
    changed = {
        "format": said.format,
        "columns": {part.name: column for part, column in zip(parts, said.columns) if column and column != NONE},
        "roles": read_roles(said.roles),
        "system": (said.system or "").strip() or None,
        "held_out_share": said.share or 0,
        "group": _named(said.group),
        "stratify": _named(said.stratify),
        "encoding": said.encoding,
        "whole_text": said.whole_text,
        "replay": _named(said.replay),
        "replay_share": said.replay_share or 0,
    }
    try:
        return settings.changed(**changed)
    except ValidationError as error:
        raise DataError("It cannot be read that way.", problems=tuple(problems_of(error))) from None


def filled(settings: DataSettings, format_: str, columns: tuple[str, ...], mapped: dict[str, str]) -> list:
    """An update for each of ``Mapping.inputs()``: what ``settings`` say, and for the rest what was found."""
    choices = [NONE, *columns]
    return [
        format_,
        *column_choosers(format_, columns, mapped),
        "\n".join(f"{name}: {role}" for name, role in settings.roles.items()),
        settings.system or "",
        settings.held_out_share,
        gr.Dropdown(choices, value=settings.group if settings.group in columns else NONE),
        gr.Dropdown(choices, value=settings.stratify if settings.stratify in columns else NONE),
        settings.encoding,
        settings.whole_text,
        gr.Dropdown(_replays(settings.replay), value=settings.replay or NONE),
        settings.replay_share,
    ]


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


def parts_of(format_: str) -> list[Part]:
    """The parts of a format in the order of the column choosers, those it needs first."""
    parts = FORMATS[format_].parts if format_ in FORMATS else ()
    return sorted(parts, key=lambda part: not part.required)[:MOST_PARTS]


def read_roles(text: str) -> dict[str, str]:
    """``customer: user, agent: assistant``, or one on each line."""
    found = {}
    for part in filter(None, (part.strip() for part in re.split(r"[,\n]", text or ""))):
        name, colon, role = part.rpartition(":")
        if not colon or not name.strip() or role.strip() not in MEANINGS:
            raise DataError(
                f'"{part[:60]}" does not say who is who.', "Write for example: customer: user, agent: assistant."
            )
        found[name.strip()] = role.strip()
    return found


def format_choices() -> list[tuple[str, str]]:
    """The formats to choose from, detection first; those that cannot be learnt from are left out."""
    return [("Look and tell me", DETECT), *((form.title, name) for name, form in FORMATS.items() if not form.refusal)]


def _replays(named: str | None) -> list[tuple[str, str]]:
    """The general rows to choose from, with those that a recipe names."""
    known = [value for _, value in REPLAYS]
    return REPLAYS + ([(named.rpartition("/")[2], named)] if named and named not in known else [])


def _named(column: str | None) -> str | None:
    return column if column and column != NONE else None
