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
from finetune.ui.data.shown import Shown, kept, show
from finetune.ui.studio import Chosen, Counting, Studio, counting


def act(studio: Studio, pick: str, chosen: Chosen | None, model: str, length: str, template: str) -> list:
    """The values of length and chat template on the Method tab, and of the Data tab, after ``pick``."""
    what, _, detail = pick.partition(":")
    if what == "length":
        length = detail
    elif what == "template":
        template = detail
    return [length, template, *acted(studio, what, detail, chosen, counting(model, length, template)).values()]


def acted(studio: Studio, what: str, detail: str, chosen: Chosen | None, by: Counting) -> Shown:
    """The Data tab after a pick; as it is if there is no data, or no such thing to do (any more)."""
    if chosen is None:
        return kept()
    if what == "row":
        return kept(correction=correction.open_row(studio, detail, chosen, by))
    settings = chosen.settings
    if what == "fix":
        settings = fixed(studio, settings, detail, by)
    elif what == "undo":
        settings = undone(settings, detail)
    elif what == "unmix":
        settings = mixing.without(settings, detail)
    elif what == "encoding":
        settings = settings.changed(encoding=detail)
    return show(studio, settings, chosen.name, by, is_new=what == "encoding")


def fixed(studio: Studio, settings: DataSettings, code: str, by: Counting) -> DataSettings:
    """``settings`` with the mend that the finding ``code`` offers; as they are if it is offered no longer."""
    for finding in studio.checked(settings, by).report.findings:
        if finding.code == code and finding.fix:
            return settings.changed(fixes=(*settings.fixes, finding.fix))
    return settings


def undone(settings: DataSettings, which: str) -> DataSettings:
    """``settings`` without the mend whose place, from 0, is ``which``."""
    return settings.changed(fixes=[fix for place, fix in enumerate(settings.fixes) if str(place) != which])


def drop_row(studio: Studio, chosen: Chosen, index: int, *by) -> list:
    """The tab without the row that is shown."""
    row = studio.checked(chosen.settings, counting(*by)).dataset.rows[index]
    return _with(studio, chosen, index, by, Drop(rows=str(row)))


def save_row(studio: Studio, number: int | None, chosen: Chosen, index: int, *given) -> list:
    """The tab with row ``number`` corrected, or with one more; or as it is, and what is wrong with the values."""
    by, texts = given[:-MOST_COLUMNS], given[-MOST_COLUMNS:]
    dataset = studio.checked(chosen.settings, counting(*by)).dataset
    try:
        fix = correction.written(dataset, number, dataset.rows[index], texts)
    except FinetuneError as error:
        return kept(correction=correction.refused(views.notice_of(error))).values()
    return _with(studio, chosen, index, by, *([fix] if fix else []))


def _with(studio: Studio, chosen: Chosen, index: int, by: tuple, *fixes: Fix) -> list:
    settings = chosen.settings.changed(fixes=(*chosen.settings.fixes, *fixes))
    return show(studio, settings, chosen.name, counting(*by), index=index).values()


def put_rows(studio: Studio, settings: DataSettings, path: str, weight: float | None) -> DataSettings:
    """``settings`` with the data set at ``path`` mixed in."""
    return mixing.with_rows(settings, path, weight, studio.columns(DataSettings(path=path)))


def uploaded(studio: Studio, path: str) -> str:
    """The path of a file that a person sent, as a recipe names it."""
    return studio.add_upload(Path(path), Path(path).name).path


def mix_in(
    studio: Studio,
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
        checked = studio.checked(settings, counting(*by))
        if checked.mixture.problem:
            raise checked.mixture.problem
    except FinetuneError as error:
        return kept(mixing=[gr.skip(), gr.skip(), views.notice_of(error)]).values()
    return show(studio, settings, chosen.name, counting(*by), index=index).values()
