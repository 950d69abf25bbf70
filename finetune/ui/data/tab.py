"""The Data tab: rows in; what was found in them out, and fixed by a click."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.data.settings import DataSettings
from finetune.errors import DataError, FinetuneError
from finetune.ui import downloads, inputs, views
from finetune.ui.data import correction, intake, mapping, mixing, uploads
from finetune.ui.data.changes import act, drop_row, mix_in, put_rows, save_row, uploaded
from finetune.ui.data.correction import Correction
from finetune.ui.data.counting import Counting, CountingInputs
from finetune.ui.data.desk import Chosen, DataDesk
from finetune.ui.data.display import Display, example, failed, nothing_yet, recount, show, turn, unchanged
from finetune.ui.data.findings import rejected_file
from finetune.ui.data.intake import Intake
from finetune.ui.data.mapping import Mapping
from finetune.ui.data.mixing import Mixing
from finetune.ui.data.samples import GENERAL
from finetune.ui.downloads import Downloads
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

TO_FORM = "() => document.querySelector('#row-form')?.scrollIntoView({block: 'nearest'})"
"""A row of the list of reasons opens in a form that may be far below."""
ROWS_TRIED = 3
"""Rows shown as a mapping would read them."""


@dataclass
class Parts:
    """The components that other tabs and the wires need."""

    chosen: gr.State
    remembered: gr.BrowserState
    """The choice, remembered by the browser, so that a reloaded page still has it."""
    index: gr.State
    intake: Intake
    result: gr.HTML
    rejected: gr.Button
    rejected_ready: gr.Textbox
    """Hidden: the link to the file to download."""
    preview: gr.HTML
    pager: gr.Row
    position: gr.HTML
    before: gr.Button
    after: gr.Button
    correction: Correction
    mapping: Mapping
    mixing: Mixing
    next: gr.Button

    def display(self) -> list:
        """The component of each value of a ``Display``, in its order."""
        return Display(
            chosen=self.chosen,
            index=self.index,
            result=self.result,
            rejected=self.rejected,
            preview=self.preview,
            pager=self.pager,
            position=self.position,
            bar=self.correction.bar,
            correction=self.correction.opened(),
            fold=self.mapping.fold,
            mapping=self.mapping.inputs(),
            effect=self.mapping.effect,
            mixing=self.mixing.listing(),
            next=self.next,
            remembered=self.remembered,
        ).values()

    def page(self) -> list:
        """The components that turning a page changes."""
        return [self.index, self.preview, self.position, self.correction.form]

    def loud(self) -> dict:
        """The options of an event that may take seconds: it shows that it is at work."""
        return {"api_visibility": "private", "show_progress_on": self.result}


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    gr.HTML(views.lead("Show the model what good answers look like."))
    with gr.Row(elem_classes="halves", equal_height=False):
        with gr.Column(scale=2, min_width=280):
            source = intake.draw(studio.data)
        with gr.Column(scale=3, min_width=300):
            result = gr.HTML(nothing_yet(), js_on_load=views.PICK, elem_id="result")
            rejected = gr.Button("Download the rejected rows", size="sm", visible=False, elem_id="rejected")
            rejected_ready = downloads.slot()
            preview = gr.HTML(elem_id="preview")
            with gr.Row(visible=False, elem_classes="pager") as pager:
                before = gr.Button("‹ Previous", size="sm", min_width=90, scale=0, elem_id="before")
                position = gr.HTML(elem_id="position")
                after = gr.Button("Next ›", size="sm", min_width=90, scale=0, elem_id="after")
            corrected = correction.draw()
            mapped = mapping.draw()
            mixed = mixing.draw()
            with gr.Row(elem_classes="primary-row"):
                next_ = gr.Button(
                    "Choose a method", variant="primary", visible=False, elem_id="to-method", scale=0, min_width=220
                )
    return Parts(
        chosen=gr.State(None),
        remembered=gr.BrowserState(None, storage_key="finetune-studio-data", secret="finetune-studio"),
        index=gr.State(0),
        intake=source,
        result=result,
        rejected=rejected,
        rejected_ready=rejected_ready,
        preview=preview,
        pager=pager,
        position=position,
        before=before,
        after=after,
        correction=corrected,
        mapping=mapped,
        mixing=mixed,
        next=next_,
    )


def wire(studio: Studio, parts: Parts, by: CountingInputs) -> None:
    """The tab's own events; ``by`` are the inputs of the Method tab that decide how tokens are counted."""
    _wire_intake(studio.data, parts, by)
    _wire_result(studio.data, studio.downloads, parts, by)
    _wire_mapping(studio.data, parts, by)
    _wire_mixing(studio.data, parts, by)
    _wire_correction(studio.data, parts, by)


def _wire_intake(desk: DataDesk, parts: Parts, by: CountingInputs) -> None:
    source, display, loud = parts.intake, parts.display(), parts.loud()
    uploads.wire(desk, source.uploads)
    by.wire(source.samples.pick, partial(take_sample, desk), [], display, api_name="data_sample", **loud)
    by.wire(
        source.file.upload,
        partial(take_files, desk),
        [source.file],
        [source.file, *display],
        api_name="data_file",
        **loud,
    )
    by.wire(source.use_pasted.click, partial(take_text, desk), [source.pasted], display, api_name="data_paste", **loud)
    by.wire(
        partial(gr.on, [source.load.click, source.hub_id.submit]),
        partial(take_hub, desk),
        [source.hub_id, source.hub_config, source.hub_split],
        display,
        api_name="data_hub",
        **loud,
    )


def _wire_result(desk: DataDesk, files: Downloads, parts: Parts, by: CountingInputs) -> None:
    for block, name in ((parts.result, "data_pick"), (parts.mixing.listed, "mixed_pick")):
        by.wire(
            block.pick,
            partial(pick, desk),
            [parts.chosen],
            [by.length, by.template, *parts.display()],
            api_name=name,
            **parts.loud(),
        ).then(None, None, None, js=TO_FORM, api_visibility="private")
    by.wire(
        parts.rejected.click,
        partial(download_rejected, desk, files),
        [parts.chosen],
        parts.rejected_ready,
        api_name="data_rejected",
        **QUIET,
    ).then(None, parts.rejected_ready, None, js=downloads.TO_FILE, api_visibility="private")
    by.wire(
        partial(gr.on, [by.model.change, by.template.change, by.length.blur, by.length.submit]),
        partial(recount, desk),
        [parts.chosen],
        parts.display(),
        api_name="data_count",
        trigger_mode="always_last",
        **QUIET,
    )
    for button, step, name in ((parts.before, -1, "data_turn_back"), (parts.after, 1, "data_turn_on")):
        by.wire(
            button.click, partial(turn, desk, step), [parts.chosen, parts.index], parts.page(), api_name=name, **QUIET
        )


def _wire_correction(desk: DataDesk, parts: Parts, by: CountingInputs) -> None:
    form, at, display = parts.correction, [parts.chosen, parts.index], parts.display()
    by.wire(form.drop.click, partial(drop_row, desk), at, display, api_name="row_drop", **QUIET)
    for button, is_new, name in ((form.correct, False, "row_correct"), (form.add, True, "row_add")):
        opened = partial(correction.open_form, desk, is_new)
        by.wire(button.click, opened, at, form.opened(), api_name=name, **QUIET)
    form.cancel.click(lambda: gr.Column(visible=False), None, form.form, api_name="row_cancel", **QUIET)
    by.wire(
        form.save.click, partial(save_row, desk), [form.row, *at, *form.boxes], display, api_name="row_save", **QUIET
    )


def _wire_mapping(desk: DataDesk, parts: Parts, by: CountingInputs) -> None:
    form, given, display, loud = parts.mapping, [parts.chosen, *parts.mapping.inputs()], parts.display(), parts.loud()
    by.wire(form.format.input, partial(reread, desk, False), given, display, api_name="data_format", **loud)
    by.wire(form.apply.click, partial(reread, desk, True), given, display, api_name="data_read", **loud)
    by.wire(
        partial(gr.on, [each.input for each in (*form.columns, *form.others)]),
        partial(effect, desk),
        given,
        form.effect,
        api_name="data_effect",
        trigger_mode="always_last",
        **QUIET,
    )


def _wire_mixing(desk: DataDesk, parts: Parts, by: CountingInputs) -> None:
    form, sent = parts.mixing, partial(uploaded, desk)
    rows, replay = partial(put_rows, desk), mixing.with_replay
    for event, put, path_of, given, amount, name in (
        (form.starter.click, replay, lambda _: GENERAL, form.share, form.share, "data_replay"),
        (form.replay.upload, replay, sent, form.replay, form.share, "data_replay_file"),
        (form.add.click, rows, str, form.sample, form.weight, "data_mix"),
        (form.file.upload, rows, sent, form.file, form.weight, "data_mix_file"),
    ):
        by.wire(
            event,
            partial(mix_in, desk, put, path_of),
            [parts.chosen, parts.index, given, amount],
            parts.display(),
            api_name=name,
            api_visibility="private",
            show_progress_on=form.listed,
        )


def take_sample(desk: DataDesk, by: Counting, event: gr.EventData) -> list:
    """The tab with the sample, or the kept rows, that were picked."""
    return take(desk, partial(intake.from_offer, desk, inputs.picked(event)), by).values()


def take_files(desk: DataDesk, by: Counting, paths: list[str] | None, progress: Callable = gr.Progress()) -> list:
    """An empty place to drop the next files, and the tab with these."""
    if not paths:
        return [None, *failed("").values()]
    return [None, *take(desk, partial(intake.from_files, desk, paths), by, progress).values()]


def take_text(desk: DataDesk, by: Counting, text: str, progress: Callable = gr.Progress()) -> list:
    """The tab with pasted text."""
    return take(desk, partial(intake.from_text, desk, text), by, progress).values()


def take_hub(
    desk: DataDesk, by: Counting, name: str, config: str, split: str, progress: Callable = gr.Progress()
) -> list:
    """The tab with a dataset on the Hub."""
    return take(desk, partial(intake.from_hub, name, config, split), by, progress).values()


def take(desk: DataDesk, source: Callable, by: Counting, progress: Callable | None = None) -> Display:
    """The tab with the data that ``source()`` names; or what is wrong with it."""

    def on_progress(share: float, what: str) -> None:
        if progress is not None:  # an idle gr.Progress has no length, so it counts as false
            progress(share, desc=what)

    try:
        settings, name = source()
    except FinetuneError as error:
        return failed(views.notice_of(error))
    return show(desk, settings, name, by, is_new=True, on_progress=on_progress)


def pick(desk: DataDesk, by: Counting, chosen: Chosen | None, event: gr.EventData) -> list:
    """Length, chat template and the tab after a button in the result was picked."""
    return act(desk, by, chosen, inputs.picked(event))


def reread(desk: DataDesk, with_columns: bool, by: Counting, chosen: Chosen | None, *given) -> list:
    """The tab with the same file, read as the form says; a newly chosen format detects its columns."""
    if chosen is None:
        return failed("").values()
    try:
        settings = mapping.settings_of(given, chosen.settings, with_columns)
    except DataError as error:
        return failed(views.notice_of(error), chosen, desk.columns(chosen.settings)).values()
    return show(desk, settings, chosen.name, by).values()


def effect(desk: DataDesk, by: Counting, chosen: Chosen | None, *given) -> str:
    """The first rows as the form would have them read, before it is applied."""
    if chosen is None:
        return ""
    try:
        checked = desk.tried(mapping.settings_of(given, chosen.settings), by, ROWS_TRIED)
        count = min(ROWS_TRIED, len(checked.dataset.examples))
        examples = "".join(example(desk, checked, n, by) for n in range(count))
    except FinetuneError as error:
        return views.notice_of(error)
    return f"<section class='effect'><h4>The first rows, read this way</h4>{examples}</section>"


def download_rejected(desk: DataDesk, files: Downloads, by: Counting, chosen: Chosen | None) -> str:
    """The link to a new CSV file of the rejected rows, each with its reason."""
    if chosen is None:
        return ""
    return files.link(rejected_file(files.folder(), chosen.name, desk.checked(chosen.settings, by).report))


def restore(desk: DataDesk, by: Counting, remembered: object) -> list:
    """The tab as it was before the page was reloaded; what the browser remembers is validated like any input."""
    try:
        settings, name = DataSettings.model_validate(remembered["data"]), str(remembered["name"])
    except (TypeError, KeyError, ValueError):
        return unchanged().values()
    return show(desk, settings, name, by, is_new=True).values()
