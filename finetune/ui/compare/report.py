"""Report: the run on one page, to read here, to download, and to show to others by a link."""

import math
from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune.errors import FinetuneError, RunError
from finetune.evaluation.cost import MOST_PRICE
from finetune.evaluation.report import Report, report
from finetune.evaluation.report_page import page, write
from finetune.runs.links import link
from finetune.ui import downloads, views
from finetune.ui.chooser import Chooser
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

VIEW = "report"
"""The view that a shared link opens (``finetune.runs.links``), and its address (``finetune.ui.shared``)."""
REACH = (
    "Whoever has this address sees this report, always as it is now, and nothing else. Others in your network reach it "
    "if the program was started with --host 0.0.0.0."
)
FRAME = """
const fit = frame => {
  const inside = frame.contentDocument;
  if (inside?.body) frame.style.height = inside.documentElement.offsetHeight + 2 + 'px';
};
const show = () => {
  for (const frame of element.querySelectorAll('iframe')) {
    frame.addEventListener('load', () => {
      fit(frame);
      new ResizeObserver(() => fit(frame)).observe(frame.contentDocument.documentElement);
    });
    fit(frame);
  }
};
watch('value', show); show();
"""
"""Makes the frame as high as the page in it, which runs no scripts."""
SHARE = """
element.addEventListener('click', event => {
  const copy = event.target.closest('button[data-copy]');
  if (copy) navigator.clipboard?.writeText(element.querySelector('a').href).then(() => copy.textContent = 'Copied');
});
const root = (window.gradio_config?.root || location.origin + location.pathname).replace(/\\/+$/, '');
const show = () => {
  for (const shared of element.querySelectorAll('a[data-path]')) {
    shared.href = `${root}/${shared.dataset.path}`;
    shared.textContent = shared.href;
  }
};
watch('value', show); show();
"""
"""Shows the whole address of the link, which the server does not know, and copies it."""


@dataclass
class Parts:
    """The components that the wires need."""

    price: gr.Number
    page: gr.Button
    facts: gr.Button
    share: gr.Button
    shared: gr.HTML
    """The link, once someone has asked for it."""
    notice: gr.HTML
    frame: gr.HTML
    ready: gr.Textbox
    """Hidden: the link to the file to download."""


def draw(studio: Studio) -> Parts:
    """The view's components."""
    gr.HTML(views.small("Everything about this run on one page: read it here, print it, or send it to someone."))
    with gr.Row(elem_classes="actions report-actions"):
        price = gr.Number(
            None,
            label="Machine price, € per hour",
            minimum=0,
            maximum=MOST_PRICE,
            scale=0,
            min_width=240,
            elem_id="report-price",
        )
        html = gr.Button("Download HTML", size="sm", scale=0, min_width=150, elem_id="report-html")
        facts = gr.Button("Download JSON", size="sm", scale=0, min_width=150, elem_id="report-json")
        share = gr.Button("Share link", size="sm", scale=0, min_width=130, elem_id="report-share")
    shared = gr.HTML(js_on_load=SHARE, elem_id="report-shared")
    notice = gr.HTML(elem_id="report-notice")
    frame = gr.HTML(nothing_yet(), js_on_load=FRAME, elem_id="report")
    ready = downloads.slot()
    return Parts(price, html, facts, share, shared, notice, frame, ready)


def wire(studio: Studio, parts: Parts, chosen: Chooser, tab: gr.Tab) -> None:
    """The view's own events; ``tab`` is what holds it."""
    run, look = chosen.dropdown, partial(show, studio)
    given = [run, parts.price]
    tab.select(look, given, parts.frame, api_name="report_open", **QUIET)
    run.change(
        partial(choose, studio), given, [parts.frame, parts.shared, parts.notice], api_name="report_choose", **QUIET
    )
    parts.price.change(partial(reprice, studio), given, [parts.frame, parts.shared], api_name="report_price", **QUIET)
    for button, suffix in ((parts.page, ".html"), (parts.facts, ".json")):
        written = button.click(
            partial(download, studio, suffix),
            given,
            [parts.ready, parts.notice],
            api_name=f"report_{suffix[1:]}",
            **QUIET,
        )
        written.then(None, parts.ready, None, js=downloads.TO_FILE, api_visibility="private")
    parts.share.click(partial(share, studio), given, parts.shared, api_name="report_share", **QUIET)


def show(studio: Studio, run_id: str | None, price: float | None) -> str:
    """The report as it is now, in a frame of its own."""
    found = report_of(studio, run_id, price)
    return nothing_yet() if found is None else framed(page(found), found.name)


def choose(studio: Studio, run_id: str | None, price: float | None) -> tuple[str, str, str]:
    """The report of another run; the link and the notice of the one before are gone."""
    return show(studio, run_id, price), "", ""


def reprice(studio: Studio, run_id: str | None, price: float | None) -> tuple[str, str]:
    """The report at another price; the link, which had the one before, is gone."""
    return show(studio, run_id, price), ""


def report_of(studio: Studio, run_id: str | None, price: float | None) -> Report | None:
    """The report of a run at ``price``; None if there is no such run (any more)."""
    run = studio.find_run(run_id)
    return None if run is None else report(run, studio.everything, price_in(price))


def price_in(given: float | str | None) -> float | None:
    """A price that someone typed; None for what is none, and for 0, which stands in the field at first."""
    try:
        price = float(given)
    except (TypeError, ValueError):
        return None
    return price if math.isfinite(price) and 0 < price <= MOST_PRICE else None


def framed(html: str, name: str) -> str:
    """A page inside this one: apart from its styles, and without the right to run scripts."""
    title = escape(f"Report on {name}")
    return f"<iframe class='report' title='{title}' sandbox='allow-same-origin' srcdoc='{escape(html)}'></iframe>"


def download(studio: Studio, suffix: str, run_id: str | None, price: float | None) -> tuple[str, str]:
    """The link to the file to download, and a notice of why there is none."""
    path, notice = to_file(studio, suffix, run_id, price)
    return studio.downloads.link(path), notice


def to_file(studio: Studio, suffix: str, run_id: str | None, price: float | None) -> tuple:
    """The path of the file to download, and a notice of why there is none."""
    found = report_of(studio, run_id, price)
    if found is None:
        return None, views.notice_of(_no_run())
    html, facts = write(found, studio.downloads.folder() / f"{found.run}-report.html")
    return str(html if suffix == ".html" else facts), ""


def share(studio: Studio, run_id: str | None, price: float | None) -> str:
    """The link that shows this report and nothing else."""
    run = studio.find_run(run_id)
    if run is None:
        return views.notice_of(_no_run())
    try:
        studio.rights.require_change(run)
    except FinetuneError as error:
        return views.notice_of(error)
    price = price_in(price)
    address = escape(f"{VIEW}/{link(run, VIEW)}" + ("" if price is None else f"?price={price:g}"))
    opens = f"<a href='{address}' data-path='{address}' target='_blank' rel='noreferrer'>{address}</a>"
    copies = "<button type='button' class='fix' data-copy>Copy</button>"
    return f"<p class='small invite'>Link to this report: {opens} {copies}</p>{views.small(REACH)}"


def _no_run() -> RunError:
    return RunError("There is no finished run to report on.", "Train one first, or choose another.")


def nothing_yet() -> str:
    """What the view says before any run is finished."""
    return views.empty("No run is finished yet.", "Train one first. Then its report is here.")
