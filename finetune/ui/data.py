"""The Data tab: show it what good answers look like. Rows in; what was found in them out, and mended by a click."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import gradio as gr

from finetune.data.settings import DataSettings
from finetune.data.tokens import spans
from finetune.errors import DataError, FinetuneError
from finetune.ui import correction, intake, mapping, views
from finetune.ui.cards import PICK
from finetune.ui.conversation import conversation
from finetune.ui.correction import Correction
from finetune.ui.findings import found, offer, rejected_file
from finetune.ui.intake import Intake
from finetune.ui.mapping import Mapping
from finetune.ui.studio import Checked, Chosen, Counting, Studio, counting

SURE = 0.6
"""Below this confidence in what the rows are, the form to say it is open."""
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
            self.correction.form,
            self.mapping.fold,
            *self.mapping.inputs(),
            self.next,
            self.remembered,
        ]

    def turned(self) -> list:
        """The components that turning a page changes."""
        return [self.index, self.preview, self.position, self.correction.form]


class Shown(NamedTuple):
    """The tab after data was chosen; ``mapping`` is spread over the inputs of the mapping form."""

    chosen: Chosen | None
    index: int
    result: str
    rejected: object
    preview: str
    pager: object
    position: str
    bar: object
    form: object
    fold: object
    mapping: list
    next: object

    def values(self) -> list:
        """One value for each of ``Parts.shown()``: what is shown, and what the browser is to remember of it."""
        return [
            *(value for part in self for value in (part if isinstance(part, list) else [part])),
            remember(self.chosen),
        ]


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
        next_,
    )


def wire(studio: Studio, parts: Parts, counted_by: list) -> None:
    """The tab's own events; ``counted_by`` are the inputs of the Method tab that decide what is counted:
    model, length and chat template."""
    _wire_intake(studio, parts, counted_by)
    _wire_result(studio, parts, counted_by)
    _wire_mapping(studio, parts, counted_by)
    at = (parts.chosen, parts.index, parts.result)
    correction.wire(studio, parts.correction, *at, parts.shown(), counted_by, show)


def _loud(parts: Parts) -> dict:
    """How an event that may take seconds shows that it works."""
    return {"api_visibility": "private", "show_progress_on": parts.result}


def _wire_intake(studio: Studio, parts: Parts, counted_by: list) -> None:
    source, loud = parts.intake, _loud(parts)

    # Gradio finds event and progress among a function's own positional arguments, which a partial hides.
    def pick(model: str, length: str, template: str, event: gr.EventData) -> list:
        return take(studio, partial(intake.from_sample, event.pick), counting(model, length, template)).values()

    def drop(paths: list[str], model: str, length: str, template: str, progress=gr.Progress()) -> list:
        return take_files(studio, paths, counting(model, length, template), progress)

    def paste(text: str, model: str, length: str, template: str, progress=gr.Progress()) -> list:
        by = counting(model, length, template)
        return take(studio, partial(intake.from_text, studio, text), by, progress).values()

    def fetch(
        name: str, config: str, split: str, model: str, length: str, template: str, progress=gr.Progress()
    ) -> list:
        by = counting(model, length, template)
        return take(studio, partial(intake.from_hub, name, config, split), by, progress).values()

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


def _wire_result(studio: Studio, parts: Parts, counted_by: list) -> None:
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    model, length, template = counted_by

    def pick(chosen: Chosen | None, model: str, length: str, template: str, event: gr.EventData) -> list:
        return act(studio, event.pick, chosen, model, length, template)

    parts.result.pick(
        pick,
        [parts.chosen, *counted_by],
        [length, template, *parts.shown()],
        api_name="data_mend",
        **_loud(parts),
    )
    parts.rejected.click(
        partial(download_rejected, studio),
        [parts.chosen, *counted_by],
        parts.rejected_ready,
        api_name="data_rejected",
        **quiet,
    ).then(None, None, None, js="() => document.querySelector('#rejected-ready').click()", api_visibility="private")
    gr.on(
        [model.change, template.change, length.blur, length.submit],
        partial(recount, studio),
        [parts.chosen, *counted_by],
        [parts.result, parts.preview, parts.index, parts.position],
        api_name="data_count",
        trigger_mode="always_last",
        **quiet,
    )
    for button, step in ((parts.before, -1), (parts.after, 1)):
        button.click(
            partial(turn, studio, step),
            [parts.chosen, parts.index, *counted_by],
            parts.turned(),
            api_name=f"data_turn_{'back' if step < 0 else 'on'}",
            **quiet,
        )


def _wire_mapping(studio: Studio, parts: Parts, counted_by: list) -> None:
    form, given = parts.mapping, [parts.chosen, *counted_by, *parts.mapping.inputs()]
    form.format.input(partial(reread, studio, False), given, parts.shown(), api_name="data_format", **_loud(parts))
    form.reread.click(partial(reread, studio, True), given, parts.shown(), api_name="data_read", **_loud(parts))
    gr.on(
        [each.input for each in (*form.columns, *form.others())],
        partial(effect, studio),
        given,
        form.effect,
        api_name="data_effect",
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )


def take_files(studio: Studio, paths: list[str] | None, by: Counting, progress: gr.Progress | None = None) -> list:
    """An empty place to drop the next files, and the tab with these."""
    if not paths:
        return [None, *failed("").values()]
    return [None, *take(studio, partial(intake.from_files, studio, paths), by, progress).values()]


def take(studio: Studio, source: Callable, by: Counting, progress: gr.Progress | None = None) -> Shown:
    """The tab with the data that ``source()`` names; or what is wrong with it."""
    try:
        settings, name = source()
    except FinetuneError as error:
        return failed(views.notice_of(error))
    return show(studio, settings, name, by, progress=progress)


def show(
    studio: Studio,
    settings: DataSettings,
    name: str,
    by: Counting,
    open_mapping: bool = False,
    index: int = 0,
    progress: gr.Progress | None = None,
) -> Shown:
    """The tab with the data that ``settings`` name; a file that cannot be used says why and how to mend it."""

    def told(share: float, what: str) -> None:
        if progress is not None:  # an idle one has no length, so it counts as false
            progress(share, desc=what)

    try:
        checked = studio.checked(settings, by, told)
    except FinetuneError as error:
        return failed(views.notice_of(error) + offer(error), Chosen(settings, name[:80]), studio.columns(settings))
    dataset, count = checked.dataset, len(checked.dataset.examples)
    index = min(index, max(count - 1, 0))
    return Shown(
        chosen=checked.chosen(settings, name),
        index=index,
        result=found(name, checked, by.length, settings.mends, studio.held_out_words(settings)),
        rejected=gr.Button(visible=bool(checked.report.rejected)),
        preview=preview(studio, checked, index, by),
        pager=gr.Row(visible=count > 1),
        position=position(index, count),
        bar=gr.Row(visible=bool(count)),
        form=gr.Group(visible=False),
        fold=gr.Accordion(visible=True, open=open_mapping or dataset.confidence < SURE),
        mapping=mapping.filled(settings, dataset.format, dataset.file_columns, dataset.columns),
        next=gr.Button(visible=bool(checked.report.kept)),
    )


def failed(result: str, chosen: Chosen | None = None, columns: tuple[str, ...] = ()) -> Shown:
    """The tab with nothing to train on; if the file has columns, a person can say which is which."""
    settings = chosen.settings if chosen else DataSettings(path="")
    return Shown(
        chosen=chosen,
        index=0,
        result=result or nothing_yet(),
        rejected=gr.Button(visible=False),
        preview="",
        pager=gr.Row(visible=False),
        position="",
        bar=gr.Row(visible=False),
        form=gr.Group(visible=False),
        fold=gr.Accordion(visible=bool(columns), open=bool(columns)),
        mapping=mapping.filled(settings, settings.format, columns, settings.columns),
        next=gr.Button(visible=False),
    )


def act(studio: Studio, pick: str, chosen: Chosen | None, model: str, length: str, template: str) -> list:
    """What a button in the result does: mend, take back, set the length, read letters otherwise, use ChatML.

    The values of length and chat template on the Method tab, and the tab anew.
    """
    if chosen is None:
        return [gr.skip(), gr.skip(), *failed("").values()]
    what, _, detail = pick.partition(":")
    if what == "row":  # the form for it opens, and the rest stays
        return [gr.skip()] * (2 + len(failed("").values()))
    settings = chosen.settings
    if what == "length":
        length = detail
    elif what == "template":
        template = detail
    elif what == "encoding":
        settings = settings.changed(encoding=detail)
    elif what == "undo":
        settings = undone(settings, int(detail))
    elif what == "mend":
        settings = mended(studio, settings, detail, counting(model, length, template))
    shown = show(studio, settings, chosen.name, counting(model, length, template))
    return [length, template, *shown.values()]


def mended(studio: Studio, settings: DataSettings, code: str, by: Counting) -> DataSettings:
    """``settings`` with the mend that the finding ``code`` offers; as they are if it is offered no longer."""
    for finding in studio.checked(settings, by).report.findings:
        if finding.code == code and finding.mend:
            return settings.changed(mends=(*settings.mends, finding.mend))
    return settings


def undone(settings: DataSettings, place: int) -> DataSettings:
    """``settings`` without the mend at ``place``, from 0."""
    return settings.changed(mends=[mend for n, mend in enumerate(settings.mends) if n != place])


def reread(
    studio: Studio, with_columns: bool, chosen: Chosen | None, model: str, length: str, template: str, *given
) -> list:
    """The tab with the same file, read as the person says; a newly chosen format looks for its columns itself."""
    if chosen is None:
        return failed("").values()
    try:
        settings = mapping.settings_of(mapping.answers(given), chosen.settings, with_columns)
    except DataError as error:
        return failed(views.notice_of(error), chosen, studio.columns(chosen.settings)).values()
    return show(studio, settings, chosen.name, counting(model, length, template), open_mapping=True).values()


def effect(studio: Studio, chosen: Chosen | None, model: str, length: str, template: str, *given) -> str:
    """The first rows as they would be read, before it is decided."""
    if chosen is None:
        return ""
    try:
        settings = mapping.settings_of(mapping.answers(given), chosen.settings)
        checked = studio.tried(settings, counting(model, length, template), ROWS_TRIED)
        shown = "".join(
            _example(studio, checked, n, counting(model, length, template))
            for n in range(min(ROWS_TRIED, len(checked.dataset.examples)))
        )
    except FinetuneError as error:
        return views.notice_of(error)
    return f"<section class='effect'><h4>The first rows, read this way</h4>{shown}</section>"


def recount(studio: Studio, chosen: Chosen | None, model: str, length: str, template: str) -> tuple:
    """Counts and colours for another model or length; the same rows."""
    if chosen is None:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    shown = show(studio, chosen.settings, chosen.name, counting(model, length, template))
    return shown.result, shown.preview, shown.index, shown.position


def turn(
    studio: Studio, step: int, chosen: Chosen | None, index: int, model: str, length: str, template: str
) -> tuple[int, str, str, object]:
    """The example ``step`` further on, round the end to the beginning."""
    if chosen is None:
        return 0, "", "", gr.skip()
    by = counting(model, length, template)
    checked = studio.checked(chosen.settings, by)
    count = len(checked.dataset.examples)
    index = (index + step) % max(count, 1)
    return index, preview(studio, checked, index, by), position(index, count), gr.Group(visible=False)


def preview(studio: Studio, checked: Checked, index: int, by: Counting) -> str:
    """Example number ``index`` (from 0) as the model would see it, and the template that writes it so."""
    if not checked.dataset.examples:
        return ""
    template = studio.template(by.model)
    how = (
        "<details class='exact'><summary>How this model writes conversations (chat template)</summary>"
        f"<pre>{views.escape(template)}</pre></details>"
        if template and checked.dataset.kind != "text"
        else ""
    )
    return _example(studio, checked, index, by) + how


def _example(studio: Studio, checked: Checked, index: int, by: Counting) -> str:
    example = checked.dataset.examples[index]
    tokenizer, _ = studio.counting_tokenizer(by.model)
    pieces = checked.method.pieces(example, tokenizer, by.length)
    cut = [piece.full_length for piece in pieces if piece.is_truncated]
    note = views.small(f"Cut at {views.amount(by.length)} of {views.amount(max(cut))} tokens.") if cut else ""
    return conversation(example, [spans(piece, tokenizer) for piece in pieces]) + note


def download_rejected(studio: Studio, chosen: Chosen | None, model: str, length: str, template: str) -> str | None:
    """The path of a new CSV file of the rows that were left out, each with its reason."""
    if chosen is None:
        return None
    return rejected_file(chosen.name, studio.checked(chosen.settings, counting(model, length, template)).report)


def remember(chosen: Chosen | None) -> dict | None:
    """What the browser keeps of the choice."""
    return {"name": chosen.name, "data": chosen.settings.model_dump(mode="json")} if chosen else None


def restore(studio: Studio, remembered: object, model: str, length: str, template: str) -> list:
    """The tab as it was before the page was loaded anew; the browser's word is checked like a visitor's."""
    try:
        settings, name = DataSettings.model_validate(remembered["data"]), str(remembered["name"])
    except (TypeError, KeyError, ValueError):
        return [gr.skip()] * len(failed("").values())
    return show(studio, settings, name, counting(model, length, template)).values()


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
