"""What a click changes in the data: fixes of rows, and what is mixed in. All of it is settings, so the recipe has it.

The buttons in the result say ``verb:detail``; ``CHANGES`` and ``act`` are the one place that knows the verbs.
"""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from finetune.data.fixes import FIXES
from finetune.data.fixes.drop import Drop
from finetune.data.fixes.fix import Fix
from finetune.data.settings import DataSettings
from finetune.errors import FinetuneError
from finetune.ui import views
from finetune.ui.data import correction, mixing
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Chosen, DataDesk
from finetune.ui.data.display import Display, show, unchanged


def fixed(desk: DataDesk, settings: DataSettings, code: str, by: Counting) -> DataSettings:
    """``settings`` with the fix that the finding ``code`` offers; unchanged if there is no such finding any more."""
    for finding in desk.checked(settings, by).report.findings:
        if finding.code == code and finding.fix:
            return settings.changed(fixes=(*settings.fixes, finding.fix))
    return settings


def set_so(desk: DataDesk, settings: DataSettings, code: str, by: Counting) -> DataSettings:
    """``settings`` with the change that the finding ``code`` offers; unchanged if there is no such finding any more."""
    for finding in desk.checked(settings, by).report.findings:
        if finding.code == code and finding.change:
            return settings.changed(**finding.change)
    return settings


def offered(desk: DataDesk, settings: DataSettings, which: str, by: Counting) -> DataSettings:
    """``settings`` with the fix of the type ``which``, which an error offers."""
    fix = FIXES.get(which)
    return settings.changed(fixes=(*settings.fixes, fix())) if fix and fix.button else settings


def undone(desk: DataDesk, settings: DataSettings, which: str, by: Counting) -> DataSettings:
    """``settings`` without the fix whose place, from 0, is ``which``."""
    return settings.changed(fixes=[fix for place, fix in enumerate(settings.fixes) if str(place) != which])


CHANGES: dict[str, Callable[[DataDesk, DataSettings, str, Counting], DataSettings]] = {
    "fix": fixed,
    "offer": offered,
    "set": set_so,
    "whole": lambda desk, settings, which, by: settings.changed(split_long=False),
    "undo": undone,
    "unmix": lambda desk, settings, which, by: mixing.without(settings, which),
    "format": lambda desk, settings, name, by: settings.changed(format=name),
    "encoding": lambda desk, settings, encoding, by: settings.changed(encoding=encoding),
    "sheet": lambda desk, settings, sheet, by: settings.changed(sheet=sheet),
}
"""What a button changes in the settings, by its verb."""


def act(desk: DataDesk, by: Counting, chosen: Chosen | None, pick: str) -> list:
    """Values of length and chat template on the Method tab, and of the Data tab, after the button ``pick``.

    Unchanged if there is no data, or no such button any more.
    """
    verb, _, detail = pick.partition(":")
    length = detail if verb == "length" else None
    template = detail if verb == "template" else None
    form = [length or gr.skip(), template or gr.skip()]
    if chosen is None:
        return [*form, *unchanged().values()]
    if verb == "row":
        return [*form, *unchanged(correction=correction.open_row(desk, detail, chosen, by)).values()]
    if verb == "mapping":
        return [*form, *unchanged(fold=gr.Accordion(open=True)).values()]
    change = CHANGES.get(verb)
    settings = change(desk, chosen.settings, detail, by) if change else chosen.settings
    by = by.changed(length, template)
    return [*form, *show(desk, settings, chosen.name, by, is_new=verb in ("encoding", "sheet")).values()]


def drop_row(desk: DataDesk, by: Counting, chosen: Chosen, index: int) -> list:
    """The tab without the row that is shown."""
    row = desk.checked(chosen.settings, by).dataset.rows[index]
    return _with(desk, by, chosen, index, Drop(rows=str(row))).values()


def save_row(desk: DataDesk, by: Counting, number: int | None, chosen: Chosen, index: int, *texts) -> list:
    """The tab with row ``number`` corrected, or with one more; or unchanged, with what is wrong with the values."""
    dataset = desk.checked(chosen.settings, by).dataset
    try:
        fix = correction.written(dataset, number, dataset.rows[index], texts)
    except FinetuneError as error:
        return unchanged(correction=correction.refused(views.notice_of(error))).values()
    return _with(desk, by, chosen, index, *([fix] if fix else [])).values()


def _with(desk: DataDesk, by: Counting, chosen: Chosen, index: int, *fixes: Fix) -> Display:
    settings = chosen.settings.changed(fixes=(*chosen.settings.fixes, *fixes))
    return show(desk, settings, chosen.name, by, index=index)


def put_rows(desk: DataDesk, settings: DataSettings, path: str, weight: float | None) -> DataSettings:
    """``settings`` with the dataset at ``path`` mixed in."""
    return mixing.with_rows(settings, path, weight, desk.columns(DataSettings(path=path)))


def uploaded(desk: DataDesk, path: str) -> str:
    """The path of an uploaded file, as a recipe names it."""
    return desk.add_upload(Path(path), Path(path).name).path


def mix_in(
    desk: DataDesk,
    put: Callable[[DataSettings, str, float | None], DataSettings],
    path_of: Callable[[str], str],
    by: Counting,
    chosen: Chosen | None,
    index: int,
    given: str,
    amount: float | None,
) -> list:
    """The tab with the rows of ``path_of(given)`` mixed in by ``put``; or why they cannot be."""
    if chosen is None:
        return unchanged().values()
    try:
        settings = put(chosen.settings, path_of(given), amount)
        checked = desk.checked(settings, by)
        if checked.mixture.problem:
            raise checked.mixture.problem
    except FinetuneError as error:
        return unchanged(mixing=[gr.skip(), gr.skip(), views.notice_of(error)]).values()
    return show(desk, settings, chosen.name, by, index=index).values()
