"""The site: the page and the addresses beside it, behind the door."""

from contextlib import suppress
from functools import partial

import gradio as gr
from fastapi import FastAPI

from finetune.door import huggingface
from finetune.door.cookies import Cookies
from finetune.door.headers import Headers
from finetune.door.hosts import OwnHosts
from finetune.door.identity import Identity, Recognizer
from finetune.door.limits import Limits
from finetune.door.options import Door
from finetune.door.pages import Pages
from finetune.door.paths import Offered
from finetune.door.sessions import OwnSessions
from finetune.door.sign_in import SignIn
from finetune.runs.links import linked
from finetune.ui import shared
from finetune.ui.compare import blind
from finetune.ui.page import build, options
from finetune.ui.sessions import waiting
from finetune.ui.studio import Studio
from finetune.ui.theme import HEAD

FOR_GUESTS = ("vote_pick", "vote_tick", "vote_load")
"""The functions of the page of a blind test, which its link opens without a sign-in."""


def site(studio: Studio, door: Door = Door()) -> FastAPI:
    """Everything that is served, as one ASGI app.

    A request passes the middlewares in the reverse of the order in which they are added here.
    """
    page = build(studio)
    recognizer = Recognizer(
        door.members,
        Cookies.of(studio.everything.path, door.is_space),
        door.is_space,
        lambda secret: linked(studio.everything, blind.VIEW, secret) is not None,
    )
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.router.routes.extend([*SignIn(recognizer).routes(), *shared.routes(studio), *studio.downloads.routes()])
    sessions = huggingface.attach(app) if door.members.way == "huggingface" else []
    gr.mount_gradio_app(app, page, "/", **options(door.budget))
    app.state.page = page
    headers = {"head": HEAD, "on_space": door.is_space, "sign_in": huggingface.provider()}
    app.add_middleware(Headers, **headers)  # of a page, before it is compressed
    app.add_middleware(Pages)
    app.add_middleware(OwnSessions, is_for_guests=_guests_functions(page))
    app.add_middleware(Limits, budget=door.budget, joined=partial(waiting, page))
    app.add_middleware(Identity, recognizer=recognizer)
    app.user_middleware[:0] = sessions  # read before the visitor is known
    app.add_middleware(Offered)
    app.add_middleware(OwnHosts, hosts=door.hosts)
    app.add_middleware(Headers, **headers)  # of everything else
    return app


def _guests_functions(page: gr.Blocks):
    """Whether guests may call a function, by its number or its name."""
    numbers = {number for number, function in page.fns.items() if function.api_name in FOR_GUESTS}

    def is_for_guests(function: int | str) -> bool:
        with suppress(TypeError, ValueError):
            return function in FOR_GUESTS or int(function) in numbers
        return False

    return is_for_guests
