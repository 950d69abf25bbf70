"""The pages that a shared link opens: the report of one run, and nothing else of the studio.

The address holds a secret (``finetune.runs.links``). The page loads nothing, runs no scripts, and is kept by no cache.
"""

from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from finetune.evaluation.report import report
from finetune.evaluation.report_page import POLICY, empty_page, page
from finetune.runs.links import linked
from finetune.ui.compare.report import VIEW, price_in
from finetune.ui.studio import Studio

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; base-uri 'none'; form-action 'none'; sandbox",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
NOT_THERE = "There is no report at this address (any more). Ask whoever sent it for a new link."


def routes(studio: Studio) -> list[Route]:
    """The addresses that Gradio's own app serves as well; they come before its own, which match almost anything."""
    return [Route(f"/{VIEW}/{{secret}}", partial(show, studio), methods=["GET"])]


def show(studio: Studio, request: Request) -> HTMLResponse:
    """The report that the secret in the address opens; 404 and a sentence for any other."""
    run = linked(studio.everything, VIEW, request.path_params["secret"])
    if run is None:
        return HTMLResponse(empty_page(NOT_THERE), status_code=404, headers=HEADERS)
    price = price_in(request.query_params.get("price"))
    return HTMLResponse(page(report(run, studio.everything, price)), headers=HEADERS)
