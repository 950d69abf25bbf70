"""The Data tab: show it what good answers look like. A file or a sample in; what was found in it out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import gradio as gr
from pydantic import ValidationError

from finetune.data.dataset import held_out_path
from finetune.data.formats import FORMATS
from finetune.data.settings import DataSettings
from finetune.data.tokens import spans
from finetune.errors import FinetuneError
from finetune.settings import fields, problems_of
from finetune.ui import views
from finetune.ui.cards import PICK
from finetune.ui.conversation import conversation
from finetune.ui.findings import found
from finetune.ui.samples import sample_entries, sample_list
from finetune.ui.studio import SUFFIXES, Checked, Chosen, Studio
from finetune.workspace import ASSETS, PROJECT

MOST_PARTS = 5
"""Column choosers drawn; no format has more parts than this."""
DETECT = "auto"
NONE = "(none)"


@dataclass
class Parts:
    """What other tabs and the wires need of this tab."""

    chosen: gr.State
    index: gr.State
    file: gr.File
    samples: gr.HTML
    result: gr.HTML
    preview: gr.HTML
    pager: gr.Row
    position: gr.HTML
    before: gr.Button
    after: gr.Button
    mapping: gr.Accordion
    format: gr.Dropdown
    columns: list[gr.Dropdown]
    system: gr.Textbox
    share: gr.Number
    reread: gr.Button
    next: gr.Button

    def shown(self) -> list:
        """The components of ``Shown``, in its order."""
        return [
            self.chosen,
            self.index,
            self.result,
            self.preview,
            self.pager,
            self.position,
            self.mapping,
            self.format,
            *self.columns,
            self.next,
        ]

    def turned(self) -> list:
        """The components that turning a page changes."""
        return [self.index, self.preview, self.position]


class Shown(NamedTuple):
    """The tab after data was chosen; ``columns`` is spread over the column choosers."""

    chosen: Chosen | None
    index: int
    result: str
    preview: str
    pager: object
    position: str
    mapping: object
    format: object
    columns: list
    next: object

    def values(self) -> list:
        """One value for each of ``Parts.shown()``."""
        return [value for part in self for value in (part if isinstance(part, list) else [part])]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    gr.HTML(views.lead("Show it what good answers look like."))
    with gr.Row(elem_classes="halves", equal_height=False):
        with gr.Column(scale=2, min_width=280):
            file = gr.File(
                label="Drop a file here",
                show_label=False,
                file_types=list(SUFFIXES),
                height=150,
                elem_id="file",
            )
            gr.HTML(
                views.small("CSV, JSON, JSONL, Parquet, Excel or plain text, up to 500 MB. It stays on this machine.")
            )
            samples = gr.HTML(sample_list(), js_on_load=PICK, elem_id="samples")
        with gr.Column(scale=3, min_width=300):
            result = gr.HTML(nothing_yet(), elem_id="result")
            preview = gr.HTML(elem_id="preview")
            with gr.Row(visible=False, elem_classes="pager") as pager:
                before = gr.Button("‹ Previous", size="sm", min_width=90, scale=0, elem_id="before")
                position = gr.HTML(elem_id="position")
                after = gr.Button("Next ›", size="sm", min_width=90, scale=0, elem_id="after")
            with gr.Accordion("Not right? Say how to read it", open=False, visible=False, elem_id="mapping") as mapping:
                format_, columns, system, share, reread = _draw_mapping()
            with gr.Row(elem_classes="primary-row"):
                next_ = gr.Button(
                    "Choose a method", variant="primary", visible=False, elem_id="to-method", scale=0, min_width=220
                )
    return Parts(
        gr.State(None),
        gr.State(0),
        file,
        samples,
        result,
        preview,
        pager,
        position,
        before,
        after,
        mapping,
        format_,
        columns,
        system,
        share,
        reread,
        next_,
    )


def _draw_mapping() -> tuple:
    helps = {setting.name: setting.help for setting in fields(DataSettings)}
    format_ = gr.Dropdown(
        format_choices(),
        value=DETECT,
        filterable=False,
        label="Format",
        info=helps["format"],
        elem_id="format",
    )
    with gr.Row(elem_classes="fields"):
        columns = [
            gr.Dropdown(visible=False, filterable=False, min_width=140, elem_id=f"column-{n}")
            for n in range(MOST_PARTS)
        ]
    with gr.Row(elem_classes="fields"):
        system = gr.Textbox(label="Instruction for every conversation", info=helps["system"], lines=2)
        share = gr.Number(label="Share kept for checking", info=helps["held_out_share"], value=0.1, step=0.05)
    reread = gr.Button("Read it again", size="sm", elem_id="reread")
    return format_, columns, system, share, reread


def wire(studio: Studio, parts: Parts, model: gr.Dropdown, length: gr.Textbox) -> None:
    """The tab's own events; ``model`` and ``length`` of the Method tab decide what is counted."""
    options = {"api_visibility": "private", "show_progress_on": parts.result}
    counted_by = [model, length]

    # Gradio finds an event argument by the function's own annotations, which a partial hides.
    def pick(model_id: str, tokens: str, event: gr.EventData) -> list:
        return sample(studio, event.pick, model_id, tokens).values()

    parts.samples.pick(pick, counted_by, parts.shown(), api_name="data_sample", **options)
    parts.file.upload(
        partial(take_file, studio),
        [parts.file, *counted_by],
        [parts.file, *parts.shown()],
        api_name="data_file",
        **options,
    )
    reading = [parts.chosen, parts.format, parts.system, parts.share, *counted_by, *parts.columns]
    parts.format.input(partial(reread, studio, False), reading, parts.shown(), api_name="data_format", **options)
    parts.reread.click(partial(reread, studio, True), reading, parts.shown(), api_name="data_read", **options)
    gr.on(
        [model.change, length.blur, length.submit],
        partial(recount, studio),
        [parts.chosen, *counted_by],
        [parts.result, parts.preview, parts.index, parts.position],
        api_name="data_count",
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="always_last",
    )
    for button, step in ((parts.before, -1), (parts.after, 1)):
        button.click(
            partial(turn, studio, step),
            [parts.chosen, parts.index, *counted_by],
            parts.turned(),
            api_name=f"data_turn_{'back' if step < 0 else 'on'}",
            show_progress="hidden",
            api_visibility="private",
        )


def sample(studio: Studio, file: str, model: str, length: str) -> Shown:
    """The tab with the shipped sample ``file``."""
    entry = next((entry for entry in sample_entries() if entry["file"] == file), None)
    if entry is None:
        return failed(views.notice(f"There is no sample {file!r}."))
    path = (ASSETS / "samples" / entry["file"]).relative_to(PROJECT).as_posix()
    return show(studio, DataSettings(path=path), entry["title"].lower(), model, length)


def take_file(studio: Studio, path: str | None, model: str, length: str) -> list:
    """An empty place to drop the next file, and the tab with this one."""
    if not path:
        return [None, *failed("").values()]
    try:
        settings = studio.add_upload(Path(path), Path(path).name)
    except FinetuneError as error:
        return [None, *failed(views.notice_of(error)).values()]
    return [None, *show(studio, settings, Path(path).stem, model, length).values()]


def reread(
    studio: Studio,
    use_columns: bool,
    chosen: Chosen | None,
    format_: str,
    system: str,
    share: float | None,
    model: str,
    length: str,
    *columns: str,
) -> list:
    """The tab with the same file, read as the person says; a newly chosen format looks for its columns itself."""
    if chosen is None:
        return failed("").values()
    parts = FORMATS[format_].parts if use_columns and format_ in FORMATS else ()
    mapping = {part.name: column for part, column in zip(parts, columns) if column and column != NONE}
    values = {
        "path": chosen.settings.path,
        "format": format_,
        "columns": mapping,
        "system": (system or "").strip() or None,
        "held_out_share": share or 0,
    }
    try:
        settings = DataSettings(**values)
    except ValidationError as error:
        notice = views.notice("It cannot be read that way.", problems=tuple(problems_of(error)))
        return failed(notice, chosen, studio.columns(chosen.settings)).values()
    return show(studio, settings, chosen.name, model, length, open_mapping=True).values()


def show(
    studio: Studio, settings: DataSettings, name: str, model: str, length: str, open_mapping: bool = False
) -> Shown:
    """The tab with the data that ``settings`` name; a file that cannot be used says why and how to mend it."""
    try:
        checked = studio.checked(settings, model, whole(length))
    except FinetuneError as error:
        return failed(views.notice_of(error), Chosen(settings, name[:80]), studio.columns(settings))
    dataset = checked.dataset
    return Shown(
        chosen=checked.chosen(settings, name),
        index=0,
        result=found(name, checked, whole(length), held_out_words(studio, settings)),
        preview=preview(studio, checked, 0, model, whole(length)),
        pager=gr.Row(visible=len(dataset.examples) > 1),
        position=position(0, len(dataset.examples)),
        mapping=gr.Accordion(visible=True, open=open_mapping),
        format=dataset.format,
        columns=column_choosers(dataset.format, dataset.file_columns, dataset.columns),
        next=gr.Button(visible=bool(checked.report.kept)),
    )


def failed(result: str, chosen: Chosen | None = None, columns: tuple[str, ...] = ()) -> Shown:
    """The tab with nothing to train on; if the file has columns, a person can say which is which."""
    settings = chosen.settings if chosen else DataSettings(path="")
    return Shown(
        chosen=chosen,
        index=0,
        result=result or nothing_yet(),
        preview="",
        pager=gr.Row(visible=False),
        position="",
        mapping=gr.Accordion(visible=bool(columns), open=bool(columns)),
        format=settings.format,
        columns=column_choosers(settings.format, columns, settings.columns),
        next=gr.Button(visible=False),
    )


def recount(studio: Studio, chosen: Chosen | None, model: str, length: str) -> tuple:
    """Counts and colours for another model or length; the same rows."""
    if chosen is None:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    shown = show(studio, chosen.settings, chosen.name, model, length)
    return shown.result, shown.preview, shown.index, shown.position


def turn(studio: Studio, step: int, chosen: Chosen | None, index: int, model: str, length: str) -> tuple[int, str, str]:
    """The example ``step`` further on, round the end to the beginning."""
    if chosen is None:
        return 0, "", ""
    checked = studio.checked(chosen.settings, model, whole(length))
    count = len(checked.dataset.examples)
    index = (index + step) % max(count, 1)
    return index, preview(studio, checked, index, model, whole(length)), position(index, count)


def preview(studio: Studio, checked: Checked, index: int, model: str, length: int) -> str:
    """Example number ``index`` (from 0) as the model would see it."""
    if not checked.dataset.examples:
        return ""
    example = checked.dataset.examples[index]
    tokenizer, _ = studio.counting_tokenizer(model)
    pieces = checked.method.pieces(example, tokenizer, length)
    cut = [piece.full_length for piece in pieces if piece.is_truncated]
    note = views.small(f"Cut at {views.amount(length)} of {views.amount(max(cut))} tokens.") if cut else ""
    return conversation(example, [spans(piece, tokenizer) for piece in pieces]) + note


def held_out_words(studio: Studio, settings: DataSettings) -> str:
    """Which rows are kept for checking, as a sentence."""
    try:
        held_out = held_out_path(studio.workspace.find(settings.path, trusted=False), settings)
    except FinetuneError as error:
        return error.message
    if held_out:
        return f"{held_out.name} beside it is kept for checking and never learnt from."
    if not settings.held_out_share:
        return "No rows are kept for checking."
    return f"{views.percent(settings.held_out_share)} of the rows are kept for checking and never learnt from."


def column_choosers(format_: str, columns: tuple[str, ...], mapped: dict[str, str]) -> list:
    """An update for each column chooser: one for each part of the format, the others hidden."""
    parts = FORMATS[format_].parts if format_ in FORMATS and columns else ()
    choosers = [
        gr.Dropdown(
            [NONE, *columns],
            value=mapped.get(part.name, NONE),
            label=f"Column: {part.name}",
            info=part.help,
            visible=True,
        )
        for part in parts[:MOST_PARTS]
    ]
    return choosers + [gr.Dropdown(visible=False)] * (MOST_PARTS - len(choosers))


def format_choices() -> list[tuple[str, str]]:
    """The formats to choose from, detection first; those that cannot be learnt from are left out."""
    return [("Look and tell me", DETECT), *((form.title, name) for name, form in FORMATS.items() if not form.refusal)]


def nothing_yet() -> str:
    """What the tab says before data is chosen."""
    return views.empty(
        "Nothing chosen yet.",
        "Drop a file of questions with good answers, or try a sample: "
        "each teaches the starter model something you can see within a minute or two.",
    )


def position(index: int, count: int) -> str:
    """Which example is shown."""
    return f"<p class='position' aria-live='polite'>{views.amount(index + 1)} of {views.amount(count)}</p>"


def whole(length: str | float | None) -> int:
    """A length from the form as a whole number of tokens within reason."""
    try:
        return int(min(max(float(length or 0), 16), 131072)) if length else 1024
    except ValueError:
        return 1024
