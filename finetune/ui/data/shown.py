"""What the Data tab shows of the data that was chosen: one value for each of its components."""

from typing import NamedTuple

import gradio as gr

from finetune import format
from finetune.data.settings import DataSettings
from finetune.data.tokens import spans
from finetune.errors import FinetuneError
from finetune.ui import views
from finetune.ui.data import correction, mapping, mixing
from finetune.ui.data.conversation import conversation
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Checked, Chosen, DataDesk, OnProgress
from finetune.ui.data.findings import found, offer
from finetune.ui.data.mixture import Mixture

SURE = 0.6
"""Below this confidence in what the rows are, the form to say it is open."""


class Shown(NamedTuple):
    """The tab after data was chosen; a list is spread over several components."""

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
    """The first rows as the mapping form would have them read; nothing once it is decided."""
    mixing: list
    next: object
    remembered: dict | None
    """What the browser is to keep of the choice."""

    def values(self) -> list:
        """One value for each component."""
        return [value for part in self for value in (part if isinstance(part, list) else [part])]


def show(
    desk: DataDesk,
    settings: DataSettings,
    name: str,
    by: Counting,
    index: int = 0,
    is_new: bool = False,
    on_progress: OnProgress | None = None,
) -> Shown:
    """The tab with the data that ``settings`` name; a file that cannot be used says why and how to mend it.

    Where it ``is_new`` to the person and it is not certain what the rows are, the form to say it opens.
    """
    try:
        checked = desk.checked(settings, by, on_progress)
    except FinetuneError as error:
        return failed(views.notice_of(error) + offer(error), Chosen(settings, name[:80]), desk.columns(settings))
    dataset, count = checked.dataset, len(checked.dataset.examples)
    index, chosen = min(index, max(count - 1, 0)), checked.chosen(settings, name)
    return Shown(
        chosen=chosen,
        index=index,
        result=found(name, checked, by.length, settings, desk.held_out_words(settings)),
        rejected=gr.Button(visible=bool(checked.report.rejected)),
        preview=preview(desk, checked, index, by),
        pager=gr.Row(visible=count > 1),
        position=position(index, count),
        bar=gr.Row(visible=bool(count)),
        correction=correction.closed(),
        fold=gr.Accordion(visible=True, **({"open": dataset.confidence < SURE} if is_new else {})),
        mapping=mapping.filled(settings, dataset.format, dataset.file_columns, dataset.columns),
        effect="",
        mixing=mixing.listing(settings, checked.mixture),
        next=gr.Button(visible=bool(checked.report.kept)),
        remembered=remember(chosen),
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
        correction=correction.closed(),
        fold=gr.Accordion(visible=bool(columns), open=bool(columns)),
        mapping=mapping.filled(settings, settings.format, columns, settings.columns),
        effect="",
        mixing=mixing.listing(settings, Mixture(), visible=False),
        next=gr.Button(visible=False),
        remembered=remember(chosen),
    )


def kept(**changed: object) -> Shown:
    """The tab as it is, but for what is ``changed``."""
    as_it_is = {
        name: [gr.skip()] * len(value) if isinstance(value, list) else gr.skip()
        for name, value in failed("")._asdict().items()
    }
    return Shown(**{**as_it_is, **changed})


def recount(desk: DataDesk, chosen: Chosen | None, model: str, length: str, template: str) -> list:
    """Counts and colours for another model or length; the same rows."""
    if chosen is None:
        return kept().values()
    shown = show(desk, chosen.settings, chosen.name, Counting.of(model, length, template))
    listed = [gr.skip(), *shown.mixing[1:]]
    return kept(
        result=shown.result, preview=shown.preview, index=shown.index, position=shown.position, mixing=listed
    ).values()


def turn(
    desk: DataDesk, step: int, chosen: Chosen | None, index: int, model: str, length: str, template: str
) -> tuple[int, str, str, object]:
    """The example ``step`` further on, round the end to the beginning."""
    if chosen is None:
        return 0, "", "", gr.skip()
    by = Counting.of(model, length, template)
    checked = desk.checked(chosen.settings, by)
    count = len(checked.dataset.examples)
    index = (index + step) % max(count, 1)
    return index, preview(desk, checked, index, by), position(index, count), gr.Column(visible=False)


def preview(desk: DataDesk, checked: Checked, index: int, by: Counting) -> str:
    """Example number ``index`` (from 0) as the model would see it, and the template that writes it so."""
    if not checked.dataset.examples:
        return ""
    template = desk.tokenizers.template(by.model)
    how = (
        "<details class='exact'><summary>How this model writes conversations (chat template)</summary>"
        f"<pre>{views.escape(template)}</pre></details>"
        if template and checked.dataset.kind != "text"
        else ""
    )
    return example(desk, checked, index, by) + how


def example(desk: DataDesk, checked: Checked, index: int, by: Counting) -> str:
    """Example number ``index`` (from 0) with what is learnt marked."""
    example = checked.dataset.examples[index]
    tokenizer, _ = desk.tokenizers.for_counting(by.model)
    sequences = checked.method.sequences(example, tokenizer, by.length)
    cut = [sequence.full_length for sequence in sequences if sequence.is_truncated]
    note = views.small(f"Cut at {format.amount(by.length)} of {format.amount(max(cut))} tokens.") if cut else ""
    return conversation(example, [spans(sequence, tokenizer) for sequence in sequences]) + note


def remember(chosen: Chosen | None) -> dict | None:
    """What the browser keeps of the choice."""
    return {"name": chosen.name, "data": chosen.settings.model_dump(mode="json")} if chosen else None


def nothing_yet() -> str:
    """What the tab says before data is chosen."""
    return views.empty(
        "Nothing chosen yet.",
        "Drop a file of questions with good answers, or try a sample: "
        "each teaches the starter model something you can see within a minute or two.",
    )


def position(index: int, count: int) -> str:
    """Which example is shown."""
    return f"<p class='position' aria-live='polite'>{format.amount(index + 1)} of {format.amount(count)}</p>"
