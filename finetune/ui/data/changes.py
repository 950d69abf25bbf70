"""What a click changes in the data: rows, mends, what is mixed in. All of it is settings, so that the recipe has it.

The buttons in the result say ``verb:detail``, and ``act`` is the one place that knows the verbs.
"""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from finetune.data.fixes.drop import Drop
from finetune.data.fixes.fix import Fix
from finetune.data.settings import DataSettings
from finetune.errors import FinetuneError
from finetune.ui import views
from finetune.ui.data import correction, mixing
from finetune.ui.data.correction import MOST_COLUMNS
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Chosen, DataDesk
from finetune.ui.data.shown import Shown, kept, show


def act(desk: DataDesk, pick: str, chosen: Chosen | None, model: str, length: str, template: str) -> list:
    """The values of length and chat template on the Method tab, and of the Data tab, after ``pick``."""
    what, _, detail = pick.partition(":")
    if what == "length":
        length = detail
    elif what == "template":
        template = detail
    return [length, template, *acted(desk, what, detail, chosen, Counting.of(model, length, template)).values()]


def acted(desk: DataDesk, what: str, detail: str, chosen: Chosen | None, by: Counting) -> Shown:
    """The Data tab after a pick; as it is if there is no data, or no such thing to do (any more)."""
    if chosen is None:
        return kept()
    if what == "row":
        return kept(correction=correction.open_row(desk, detail, chosen, by))
    settings = chosen.settings
    if what == "fix":
        settings = fixed(desk, settings, detail, by)
    elif what == "undo":
        settings = undone(settings, detail)
    elif what == "unmix":
        settings = mixing.without(settings, detail)
    elif what == "encoding":
        settings = settings.changed(encoding=detail)
    return show(desk, settings, chosen.name, by, is_new=what == "encoding")


def fixed(desk: DataDesk, settings: DataSettings, code: str, by: Counting) -> DataSettings:
    """``settings`` with the mend that the finding ``code`` offers; as they are if it is offered no longer."""
    for finding in desk.checked(settings, by).report.findings:
        if finding.code == code and finding.fix:
            return settings.changed(fixes=(*settings.fixes, finding.fix))
    return settings


def undone(settings: DataSettings, which: str) -> DataSettings:
    """``settings`` without the mend whose place, from 0, is ``which``."""
    return settings.changed(fixes=[fix for place, fix in enumerate(settings.fixes) if str(place) != which])


def drop_row(desk: DataDesk, chosen: Chosen, index: int, *by) -> list:
    """The tab without the row that is shown."""
    row = desk.checked(chosen.settings, Counting.of(*by)).dataset.rows[index]
    return _with(desk, chosen, index, by, Drop(rows=str(row)))


def save_row(desk: DataDesk, number: int | None, chosen: Chosen, index: int, *given) -> list:
    """The tab with row ``number`` corrected, or with one more; or as it is, and what is wrong with the values."""
    by, texts = given[:-MOST_COLUMNS], given[-MOST_COLUMNS:]
    dataset = desk.checked(chosen.settings, Counting.of(*by)).dataset
    try:
        fix = correction.written(dataset, number, dataset.rows[index], texts)
    except FinetuneError as error:
        return kept(correction=correction.refused(views.notice_of(error))).values()
    return _with(desk, chosen, index, by, *([fix] if fix else []))


def _with(desk: DataDesk, chosen: Chosen, index: int, by: tuple, *fixes: Fix) -> list:
    settings = chosen.settings.changed(fixes=(*chosen.settings.fixes, *fixes))
    return show(desk, settings, chosen.name, Counting.of(*by), index=index).values()


def put_rows(desk: DataDesk, settings: DataSettings, path: str, weight: float | None) -> DataSettings:
    """``settings`` with the data set at ``path`` mixed in."""
    return mixing.with_rows(settings, path, weight, desk.columns(DataSettings(path=path)))


def uploaded(desk: DataDesk, path: str) -> str:
    """The path of a file that a person sent, as a recipe names it."""
    return desk.add_upload(Path(path), Path(path).name).path


def mix_in(
    desk: DataDesk,
    put: Callable[[DataSettings, str, float | None], DataSettings],
    path_of: Callable[[str], str],
    chosen: Chosen | None,
    index: int,
    given: str,
    amount: float | None,
    *by,
) -> list:
    """The tab with the rows of ``path_of(given)`` mixed in as ``put`` says; or why they cannot be."""
    if chosen is None:
        return kept().values()
    try:
        settings = put(chosen.settings, path_of(given), amount)
        checked = desk.checked(settings, Counting.of(*by))
        if checked.mixture.problem:
            raise checked.mixture.problem
    except FinetuneError as error:
        return kept(mixing=[gr.skip(), gr.skip(), views.notice_of(error)]).values()
    return show(desk, settings, chosen.name, Counting.of(*by), index=index).values()
