"""The files that a person brought, in a fold of the Data tab: what each takes, which runs name it, and its end."""

from dataclasses import dataclass
from functools import partial
from html import escape
from time import time

import gradio as gr

from finetune import format
from finetune.errors import FinetuneError
from finetune.runs.uploads import Upload
from finetune.ui import inputs, views
from finetune.ui.data.desk import DataDesk
from finetune.ui.views import QUIET

MOST = 200
"""Files that are shown."""


@dataclass
class Uploads:
    """The components of the fold."""

    fold: gr.Accordion
    listing: gr.HTML


def draw() -> Uploads:
    """The fold, closed."""
    with gr.Accordion("Your files", open=False, elem_id="uploads") as fold:
        listing = gr.HTML(js_on_load=views.PICK, elem_id="uploads-list")
    return Uploads(fold, listing)


def wire(desk: DataDesk, parts: Uploads) -> None:
    """The fold's own events: it is drawn when it is opened."""

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def picked(event: gr.EventData) -> str:
        return act(desk, inputs.picked(event))

    parts.fold.expand(partial(html, desk), None, parts.listing, api_name="uploads_open", **QUIET)
    parts.listing.pick(picked, None, parts.listing, api_name="uploads_pick", **QUIET)


def act(desk: DataDesk, pick: str) -> str:
    """The list after the button ``pick`` (``verb:path``): it asks first, and then deletes."""
    verb, _, path = pick.partition(":")
    if verb != "delete":
        return html(desk, path if verb == "ask" else "")
    try:
        desk.workspace.discard(path)
    except FinetuneError as error:
        return views.notice_of(error) + html(desk)
    return html(desk)


def html(desk: DataDesk, asked: str = "") -> str:
    """The person's files; of the one ``asked`` about, whether it is to be deleted."""
    found = desk.workspace.uploads()
    if not found:
        return views.small(
            "No file is kept yet. What you upload or paste stays here until you delete it, or until room is short and "
            "it was not used for a month."
        )
    total = format.size(sum(each.size_bytes for each in found))
    more = f" The {MOST} used last are shown." if len(found) > MOST else ""
    are_of_several = len({each.owners for each in found}) > 1
    lines = "".join(_line(each, each.path == asked, are_of_several) for each in found[:MOST])
    kept = f"{format.counted(len(found), 'file')}, {total} in all.{more}"
    return views.small(kept) + f"<ul class='uploads'>{lines}</ul>"


def _line(each: Upload, is_asked: bool, says_whose: bool) -> str:
    runs = ", ".join(map(views.run_number, each.runs[:5])) + (" and more" if len(each.runs) > 5 else "")
    days = int((time() - each.used_at) / 86_400)
    used = "used today" if days < 1 else f"used {format.counted(days, 'day')} ago"
    whose = f", of {' and '.join(each.owners)}" if says_whose and each.owners else ""
    facts = f"{format.size(each.size_bytes)}, {used}, {f'in {runs}' if runs else 'in no run'}{whose}"
    if is_asked:
        buttons = views.pick_button(f"delete:{each.path}", "Delete for good", f"Delete {each.name} for good")
        buttons += views.pick_button("keep:", "Keep it", f"Keep {each.name}")
    else:
        buttons = views.pick_button(f"ask:{each.path}", "Delete", f"Delete {each.name}")
    return f"<li><b dir='auto'>{escape(each.name)}</b><span>{escape(facts)}</span><span>{buttons}</span></li>"
