"""What the Data tab displays of the chosen data: one value for each of its components."""

from typing import NamedTuple

import gradio as gr

from finetune import format
from finetune.data.settings import DataSettings
from finetune.data.tokens import spans
from finetune.errors import FinetuneError
from finetune.ui import views
from finetune.ui.data import conversation, correction, mapping, mixing
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Checked, Chosen, DataDesk, OnProgress
from finetune.ui.data.findings import suggestion, summary
from finetune.ui.data.mixture import Mixture


class Display(NamedTuple):
    """The tab's values, or its components, by name; a list is spread over several components."""

    chosen: Chosen | None
    index: int
    result: str
    rejected: object
    preview: str
    pager: object
    position: str
    bar: object
    correction: list
    fold: object
    mapping: list
    effect: str
    """The first rows as the mapping form would read them; empty once it is applied."""
    mixing: list
    next: object
    remembered: dict | None
    """What the browser remembers of the choice."""

    def values(self) -> list:
        """All of them in one list."""
        return [value for part in self for value in (part if isinstance(part, list) else [part])]


def show(
    desk: DataDesk,
    settings: DataSettings,
    name: str,
    by: Counting,
    index: int = 0,
    is_new: bool = False,
    on_progress: OnProgress | None = None,
) -> Display:
    """The tab with the data that ``settings`` name; a file that cannot be used says why, and how to fix it.

    For data that ``is_new`` to the person and whose format is uncertain, the form to correct it opens.
    """
    try:
        checked = desk.checked(settings, by, on_progress)
    except FinetuneError as error:
        return failed(views.notice_of(error) + suggestion(error), Chosen(settings, name[:80]), desk.columns(settings))
    dataset, count = checked.dataset, len(checked.dataset.examples)
    index, chosen = min(index, max(count - 1, 0)), checked.chosen(settings, name)
    return Display(
        chosen=chosen,
        index=index,
        result=summary(name, checked, by.length, settings, desk.held_out_words(settings, dataset.split)),
        rejected=gr.Button(visible=bool(checked.report.rejected)),
        preview=preview(desk, checked, index, by),
        pager=gr.Row(visible=count > 1),
        position=position(index, count),
        bar=gr.Row(visible=bool(count)),
        correction=correction.closed(),
        fold=gr.Accordion(visible=True, **({"open": not dataset.detected.is_sure} if is_new else {})),
        mapping=mapping.filled(settings, dataset.format, dataset.file_columns, dataset.columns, dataset.table.sheets),
        effect="",
        mixing=mixing.listing(settings, checked.mixture),
        next=gr.Button(visible=bool(checked.report.kept) and not dataset.detected.doubt(settings.format)),
        remembered=remember(chosen),
    )


def failed(result: str, chosen: Chosen | None = None, columns: tuple[str, ...] = ()) -> Display:
    """The tab with nothing to train on; if the file has columns, the form to name them is open."""
    settings = chosen.settings if chosen else DataSettings(path="")
    return Display(
        chosen=chosen,
        index=0,
        result=result or nothing_yet(),
        rejected=gr.Button(visible=False),
        preview="",
        pager=gr.Row(visible=False),
        position="",
        bar=gr.Row(visible=False),
        correction=correction.closed(),
        fold=gr.Accordion(visible=bool(columns), open=bool(columns)),
        mapping=mapping.filled(settings, settings.format, columns, settings.columns),
        effect="",
        mixing=mixing.listing(settings, Mixture(), visible=False),
        next=gr.Button(visible=False),
        remembered=remember(chosen),
    )


def unchanged(**changed: object) -> Display:
    """The tab as it is, except what is ``changed``."""
    skipped = {
        name: [gr.skip()] * len(value) if isinstance(value, list) else gr.skip()
        for name, value in failed("")._asdict().items()
    }
    return Display(**{**skipped, **changed})


def recount(desk: DataDesk, by: Counting, chosen: Chosen | None) -> list:
    """Counts and marked tokens for another model or length; the same rows."""
    if chosen is None:
        return unchanged().values()
    again = show(desk, chosen.settings, chosen.name, by)
    listed = [gr.skip(), *again.mixing[1:]]
    return unchanged(
        result=again.result, preview=again.preview, index=again.index, position=again.position, mixing=listed
    ).values()


def turn(desk: DataDesk, step: int, by: Counting, chosen: Chosen | None, index: int) -> tuple[int, str, str, object]:
    """The example ``step`` further on; after the last comes the first."""
    if chosen is None:
        return 0, "", "", gr.skip()
    checked = desk.checked(chosen.settings, by)
    count = len(checked.dataset.examples)
    index = (index + step) % max(count, 1)
    return index, preview(desk, checked, index, by), position(index, count), gr.Column(visible=False)


def preview(desk: DataDesk, checked: Checked, index: int, by: Counting) -> str:
    """Example number ``index`` (from 0) as the model sees it, and the chat template that formats it."""
    if not checked.dataset.examples:
        return ""
    template = desk.tokenizers.template(by.model)
    how = (
        "<details class='exact'><summary>Chat template: how this model formats conversations</summary>"
        f"<pre>{views.escape(template)}</pre></details>"
        if template and checked.dataset.kind != "text"
        else ""
    )
    return example(desk, checked, index, by) + how


def example(desk: DataDesk, checked: Checked, index: int, by: Counting) -> str:
    """Example number ``index`` (from 0) with its trained tokens marked."""
    example = checked.dataset.examples[index]
    tokenizer, _ = desk.tokenizers.for_counting(by.model)
    sequences = (checked.sequences or checked.method.sequences)(example, tokenizer, by.length)
    truncated = [sequence.full_length for sequence in sequences if sequence.is_truncated]
    note = f"Truncated at {format.amount(by.length)} of {format.amount(max(truncated))} tokens." if truncated else ""
    return conversation.drawn(example, [spans(sequence, tokenizer) for sequence in sequences]) + views.small(note)


def remember(chosen: Chosen | None) -> dict | None:
    """What the browser remembers of the choice."""
    return {"name": chosen.name, "data": chosen.settings.model_dump(mode="json")} if chosen else None


def nothing_yet() -> str:
    """What the tab says before data is chosen."""
    return views.empty(
        "No data yet.",
        "Drop a file of questions with good answers, or try a sample: "
        "each of them visibly changes the starter model within a minute or two.",
    )


def position(index: int, count: int) -> str:
    """Which example is shown."""
    return f"<p class='position' aria-live='polite'>{format.amount(index + 1)} of {format.amount(count)}</p>"
