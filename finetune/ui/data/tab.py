"""The Data tab: show it what good answers look like. Rows in; what was found in them out, and mended by a click."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.data.settings import DataSettings
from finetune.errors import DataError, FinetuneError
from finetune.ui import views
from finetune.ui.data import correction, intake, mapping, mixing
from finetune.ui.data.changes import act, drop_row, mix_in, put_rows, save_row, uploaded
from finetune.ui.data.correction import Correction
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Chosen, DataDesk
from finetune.ui.data.findings import rejected_file
from finetune.ui.data.intake import Intake
from finetune.ui.data.mapping import Mapping
from finetune.ui.data.mixing import Mixing
from finetune.ui.data.samples import GENERAL
from finetune.ui.data.shown import Shown, example, failed, kept, nothing_yet, recount, show, turn
from finetune.ui.method.cards import PICK
from finetune.ui.studio import Studio

TO_FORM = "() => document.querySelector('#row-form')?.scrollIntoView({block: 'nearest'})"
"""A row of the list of reasons opens in a form that may be far below."""
ROWS_TRIED = 3
"""Rows shown as a mapping would read them."""


@dataclass
class Parts:
    """What other tabs and the wires need of this tab."""

    chosen: gr.State
    remembered: gr.BrowserState
    """What was chosen, kept by the browser so that a page loaded anew still has it."""
    index: gr.State
    intake: Intake
    result: gr.HTML
    rejected: gr.Button
    rejected_ready: gr.DownloadButton
    preview: gr.HTML
    pager: gr.Row
    position: gr.HTML
    before: gr.Button
    after: gr.Button
    correction: Correction
    mapping: Mapping
    mixing: Mixing
    next: gr.Button

    def shown(self) -> list:
        """The components of ``Shown``, in its order."""
        return [
            self.chosen,
            self.index,
            self.result,
            self.rejected,
            self.preview,
            self.pager,
            self.position,
            self.correction.bar,
            *self.correction.opened(),
            self.mapping.fold,
            *self.mapping.inputs(),
            self.mapping.effect,
            *self.mixing.shown(),
            self.next,
            self.remembered,
        ]

    def turned(self) -> list:
        """The components that turning a page changes."""
        return [self.index, self.preview, self.position, self.correction.form]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    gr.HTML(views.lead("Show it what good answers look like."))
    with gr.Row(elem_classes="halves", equal_height=False):
        with gr.Column(scale=2, min_width=280):
            source = intake.draw()
        with gr.Column(scale=3, min_width=300):
            result = gr.HTML(nothing_yet(), js_on_load=PICK, elem_id="result")
            rejected = gr.Button("Download the list of rows left out", size="sm", visible=False, elem_id="rejected")
            rejected_ready = gr.DownloadButton(visible="hidden", elem_id="rejected-ready")
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
    remembered = gr.BrowserState(None, storage_key="finetune-studio-data", secret="finetune-studio")
    return Parts(
        gr.State(None),
        remembered,
        gr.State(0),
        source,
        result,
        rejected,
        rejected_ready,
        preview,
        pager,
        position,
        before,
        after,
        corrected,
        mapped,
        mixed,
        next_,
    )


def wire(studio: Studio, parts: Parts, counted_by: list) -> None:
    """The tab's own events; ``counted_by`` are the inputs of the Method tab that decide what is counted:
    model, length and chat template."""
    _wire_intake(studio.data, parts, counted_by)
    _wire_result(studio.data, parts, counted_by)
    _wire_mapping(studio.data, parts, counted_by)
    _wire_mixing(studio.data, parts, counted_by)
    _wire_correction(studio.data, parts, counted_by)


def _loud(parts: Parts) -> dict:
    """How an event that may take seconds shows that it works."""
    return {"api_visibility": "private", "show_progress_on": parts.result}


def _wire_intake(desk: DataDesk, parts: Parts, counted_by: list) -> None:
    source, loud = parts.intake, _loud(parts)

    # Gradio finds event and progress among a function's own positional arguments, which a partial hides.
    def pick(model: str, length: str, template: str, event: gr.EventData) -> list:
        return take(desk, partial(intake.from_sample, event.pick), Counting.of(model, length, template)).values()

    def drop(paths: list[str], model: str, length: str, template: str, progress=gr.Progress()) -> list:
        return take_files(desk, paths, Counting.of(model, length, template), progress)

    def paste(text: str, model: str, length: str, template: str, progress=gr.Progress()) -> list:
        by = Counting.of(model, length, template)
        return take(desk, partial(intake.from_text, desk, text), by, progress).values()

    def fetch(
        name: str, config: str, split: str, model: str, length: str, template: str, progress=gr.Progress()
    ) -> list:
        by = Counting.of(model, length, template)
        return take(desk, partial(intake.from_hub, name, config, split), by, progress).values()

    source.samples.pick(pick, counted_by, parts.shown(), api_name="data_sample", **loud)
    source.file.upload(
        drop,
        [source.file, *counted_by],
        [source.file, *parts.shown()],
        api_name="data_file",
        **loud,
    )
    source.use_pasted.click(
        paste,
        [source.pasted, *counted_by],
        parts.shown(),
        api_name="data_paste",
        **loud,
    )
    gr.on(
        [source.fetch.click, source.hub_id.submit],
        fetch,
        [source.hub_id, source.hub_config, source.hub_split, *counted_by],
        parts.shown(),
        api_name="data_hub",
        **loud,
    )


def _wire_result(desk: DataDesk, parts: Parts, counted_by: list) -> None:
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    model, length, template = counted_by

    # Gradio finds an event among a function's own positional arguments, which a partial hides.
    def pick(chosen: Chosen | None, model: str, length: str, template: str, event: gr.EventData) -> list:
        return act(desk, event.pick, chosen, model, length, template)

    for block, name in ((parts.result, "data_pick"), (parts.mixing.listed, "mixed_pick")):
        block.pick(
            pick,
            [parts.chosen, *counted_by],
            [length, template, *parts.shown()],
            api_name=name,
            **_loud(parts),
        ).then(None, None, None, js=TO_FORM, api_visibility="private")
    parts.rejected.click(
        partial(download_rejected, desk),
        [parts.chosen, *counted_by],
        parts.rejected_ready,
        api_name="data_rejected",
        **quiet,
    ).then(None, None, None, js="() => document.querySelector('#rejected-ready').click()", api_visibility="private")
    gr.on(
        [model.change, template.change, length.blur, length.submit],
        partial(recount, desk),
        [parts.chosen, *counted_by],
        parts.shown(),
        api_name="data_count",
        trigger_mode="always_last",
        **quiet,
    )
    for button, step in ((parts.before, -1), (parts.after, 1)):
        button.click(
            partial(turn, desk, step),
            [parts.chosen, parts.index, *counted_by],
            parts.turned(),
            api_name=f"data_turn_{'back' if step < 0 else 'on'}",
            **quiet,
        )


def _wire_correction(desk: DataDesk, parts: Parts, counted_by: list) -> None:
    quiet, form = {"show_progress": "hidden", "api_visibility": "private"}, parts.correction
    at, shown = [parts.chosen, parts.index, *counted_by], parts.shown()
    form.drop.click(partial(drop_row, desk), at, shown, api_name="row_drop", **quiet)
    for button, is_new, name in ((form.correct, False, "row_correct"), (form.add, True, "row_add")):
        opened = partial(correction.open_form, desk, is_new)
        button.click(opened, at, form.opened(), api_name=name, **quiet)
    form.cancel.click(lambda: gr.Column(visible=False), None, form.form, api_name="row_cancel", **quiet)
    form.save.click(partial(save_row, desk), [form.row, *at, *form.boxes], shown, api_name="row_save", **quiet)


def _wire_mapping(desk: DataDesk, parts: Parts, counted_by: list) -> None:
    form, given = parts.mapping, [parts.chosen, *counted_by, *parts.mapping.inputs()]
    form.format.input(partial(reread, desk, False), given, parts.shown(), api_name="data_format", **_loud(parts))
    form.reread.click(partial(reread, desk, True), given, parts.shown(), api_name="data_read", **_loud(parts))
    gr.on(
        [each.input for each in (*form.columns, *form.others)],
        partial(effect, desk),
        given,
        form.effect,
        api_name="data_effect",
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )


def _wire_mixing(desk: DataDesk, parts: Parts, counted_by: list) -> None:
    form, sent = parts.mixing, partial(uploaded, desk)
    rows, general = partial(put_rows, desk), mixing.with_general
    for event, put, path_of, given, amount, name in (
        (form.starter.click, general, lambda _: GENERAL, form.share, form.share, "data_general"),
        (form.general.upload, general, sent, form.general, form.share, "data_general_file"),
        (form.add.click, rows, str, form.sample, form.weight, "data_mix"),
        (form.file.upload, rows, sent, form.file, form.weight, "data_mix_file"),
    ):
        event(
            partial(mix_in, desk, put, path_of),
            [parts.chosen, parts.index, given, amount, *counted_by],
            parts.shown(),
            api_name=name,
            api_visibility="private",
            show_progress_on=form.listed,
        )


def take_files(desk: DataDesk, paths: list[str] | None, by: Counting, progress: gr.Progress | None = None) -> list:
    """An empty place to drop the next files, and the tab with these."""
    if not paths:
        return [None, *failed("").values()]
    return [None, *take(desk, partial(intake.from_files, desk, paths), by, progress).values()]


def take(desk: DataDesk, source: Callable, by: Counting, progress: gr.Progress | None = None) -> Shown:
    """The tab with the data that ``source()`` names; or what is wrong with it."""

    def on_progress(share: float, what: str) -> None:
        if progress is not None:  # an idle one has no length, so it counts as false
            progress(share, desc=what)

    try:
        settings, name = source()
    except FinetuneError as error:
        return failed(views.notice_of(error))
    return show(desk, settings, name, by, is_new=True, on_progress=on_progress)


def reread(
    desk: DataDesk, with_columns: bool, chosen: Chosen | None, model: str, length: str, template: str, *given
) -> list:
    """The tab with the same file, read as the person says; a newly chosen format looks for its columns itself."""
    if chosen is None:
        return failed("").values()
    try:
        settings = mapping.settings_of(given, chosen.settings, with_columns)
    except DataError as error:
        return failed(views.notice_of(error), chosen, desk.columns(chosen.settings)).values()
    return show(desk, settings, chosen.name, Counting.of(model, length, template)).values()


def effect(desk: DataDesk, chosen: Chosen | None, model: str, length: str, template: str, *given) -> str:
    """The first rows as they would be read, before it is decided."""
    if chosen is None:
        return ""
    by = Counting.of(model, length, template)
    try:
        checked = desk.tried(mapping.settings_of(given, chosen.settings), by, ROWS_TRIED)
        count = min(ROWS_TRIED, len(checked.dataset.examples))
        shown = "".join(example(desk, checked, n, by) for n in range(count))
    except FinetuneError as error:
        return views.notice_of(error)
    return f"<section class='effect'><h4>The first rows, read this way</h4>{shown}</section>"


def download_rejected(desk: DataDesk, chosen: Chosen | None, model: str, length: str, template: str) -> str | None:
    """The path of a new CSV file of the rows that were left out, each with its reason."""
    if chosen is None:
        return None
    return rejected_file(chosen.name, desk.checked(chosen.settings, Counting.of(model, length, template)).report)


def restore(desk: DataDesk, remembered: object, model: str, length: str, template: str) -> list:
    """The tab as it was before the page was loaded anew; the browser's word is checked like a visitor's."""
    try:
        settings, name = DataSettings.model_validate(remembered["data"]), str(remembered["name"])
    except (TypeError, KeyError, ValueError):
        return kept().values()
    return show(desk, settings, name, Counting.of(model, length, template), is_new=True).values()
