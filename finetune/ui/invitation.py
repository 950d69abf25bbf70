"""The page that an invitation opens: the blind test of one run, and nothing else of the studio.

Its address holds a secret (``finetune.runs.links``). Every event reads it anew, so a page that is open while the server
restarts works on. Neither the run's name nor which answer is whose is sent.
"""

import gradio as gr

from finetune.errors import FinetuneError
from finetune.runs.links import linked
from finetune.ui import inputs, views
from finetune.ui.compare import blind, booth
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

LEAD = "Which answer is better?"
HELP = (
    "Two models answered the same questions. Judge each pair by itself: choose the answer you would rather have. Every "
    "vote is kept at once, and you can close this page and come back."
)


class PagesApart(inputs.Checked):
    """Several pages at addresses of their own, without the bar of links that Gradio draws over each of them."""

    def get_config_file(self):
        """What the browser is told: it knows of the first page alone."""
        config = super().get_config_file()
        return {**config, "pages": config["pages"][:1]}


def draw(studio: Studio, page: gr.Blocks) -> None:
    """Add the page to the studio's, at the address ``/vote``."""
    with page.route("Vote", f"/{blind.VIEW}", show_in_navbar=False):
        gr.HTML(f"{views.lead(LEAD)}{views.small(HELP)}", elem_id="vote-lead")
        notice = gr.HTML(elem_id="vote-notice")
        board, name = blind.draw_booth()
        voter, clock = gr.Textbox(visible=False), gr.Timer(blind.TICK_S, active=False)
        shown = [notice, board, name, clock]

        # Gradio finds an event and a request among a function's own parameters, which a partial hides.
        def picked(event: gr.EventData, request: gr.Request, voter: str, name: str) -> list:
            return pick(studio, key_of(request), voter, name, inputs.picked(event))

        def seen(request: gr.Request, voter: str) -> list:
            return show(studio, key_of(request), voter)

        board.pick(picked, [voter, name], shown, js=booth.VOTER, api_name="vote_pick", **booth.AT_ONCE)
        clock.tick(seen, voter, shown, js=booth.VOTER, queue=False, api_name="vote_tick", **QUIET)
        page.load(seen, voter, shown, js=booth.VOTER, queue=False, api_name="vote_load", **QUIET)


def key_of(request: gr.Request) -> str:
    """The secret in the address of the page."""
    return request.query_params.get("key") or ""


def pick(studio: Studio, key: str, voter: str, name: str, picked: str) -> list:
    """A vote, or another click on the board; what cannot be done is said above it."""
    run = linked(studio.everything, blind.VIEW, key)
    if run is None:
        return show(studio, key, voter)
    try:
        booth.act(studio, run, voter, name, picked)
    except FinetuneError as error:
        return show(studio, key, voter, views.notice_of(error))
    return show(studio, key, voter)


def show(studio: Studio, key: str, voter: str, notice: str = "") -> list:
    """Notice, board, name field and clock: where ``voter`` is; without a valid ``key`` that and nothing else."""
    run = linked(studio.everything, blind.VIEW, key)
    if run is None:
        words = views.notice("This link is not valid.", "Ask whoever sent it for a new one.")
        return [words, "", gr.Textbox(visible=False), gr.Timer(active=False)]
    try:
        booth.require_voter(voter)
        board = booth.board(studio, run, voter)
    except FinetuneError as error:
        return [views.notice_of(error), "", gr.Textbox(visible=False), gr.Timer(active=False)]
    if board.stage == "none":
        notice = views.notice("There is no blind test here at the moment.", "Come back later.", kind="info")
    return [
        notice,
        board.html,
        gr.Textbox(visible=board.stage == "voting"),
        gr.Timer(active=board.stage in ("waiting", "result", "none")),
    ]
