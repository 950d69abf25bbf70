"""Files to download: written for one visitor, fetched once by a link of their own, and then deleted.

A handler writes into ``folder()`` and gives the page the ``link`` of its file, which a script of the page clicks
(``TO_FILE``). So Gradio's cache, whose files anyone may read who knows their names, holds no results.
"""

import secrets
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from finetune.door.refusal import refusal
from finetune.door.visitor import visitor_of
from finetune.ui import visitor

LASTS_S = 3600
"""What nobody has fetched by then is deleted."""
LOOKS_S = 60
"""How often that is looked for, while there are any files."""

TO_FILE = """link => {
  if (!link) return;
  const root = (window.gradio_config?.root || location.origin + location.pathname).replace(/\\/+$/, '');
  const opens = Object.assign(document.createElement('a'), {href: `${root}/${link}`, download: ''});
  document.body.append(opens);
  opens.click();
  opens.remove();
}"""
"""Downloads what a ``slot`` links to; nothing if it is empty."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
GONE = "This download is gone. It can be fetched once, within an hour: press the button again."


def slot() -> gr.Textbox:
    """A hidden component that holds the link to a file."""
    return gr.Textbox(visible=False)


@dataclass(frozen=True)
class Ticket:
    """The right to fetch a file."""

    path: Path
    name: str | None
    """Who has it, where people sign in."""


class Downloads:
    """The files of ``place`` that wait to be fetched; it holds nothing from an earlier process."""

    def __init__(self, place: Path):
        self.place = place
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()
        self._is_watched = False
        shutil.rmtree(place, ignore_errors=True)

    def folder(self) -> Path:
        """A new folder, for one file to download."""
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Path(tempfile.mkdtemp(dir=self.place))
        with self._lock:
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="downloads", daemon=True).start()
        return made

    def link(self, path: str | Path | None) -> str:
        """The address of the file ``path`` for the visitor who asks now, below that of the page; empty for None."""
        if path is None:
            return ""
        path, secret, asking = Path(path), secrets.token_urlsafe(32), visitor.current()
        with self._lock:
            self._tickets[secret] = Ticket(path, asking.name if asking else None)
        return f"download/{secret}/{quote(path.name)}"

    def routes(self) -> list[Route]:
        """The address of the links."""
        return [Route("/download/{secret}/{name}", self.fetch, methods=["GET"])]

    def fetch(self, request: Request) -> Response:
        """The file, which is deleted once it was sent; 404 for whoever has no right to it."""
        secret, asking = request.path_params["secret"], visitor_of(request.scope)
        with self._lock:
            ticket = self._tickets.get(secret)
        if ticket is None or ticket.name != asking.name or not ticket.path.is_file():
            return refusal(request.scope, 404, GONE)
        sent = None if request.method == "HEAD" else BackgroundTask(partial(self._drop, secret))
        kind = "application/octet-stream"
        return FileResponse(ticket.path, headers=HEADERS, media_type=kind, filename=ticket.path.name, background=sent)

    def sweep(self, lasts_s: float = LASTS_S) -> bool:
        """Delete what was not fetched in time; True if something is left."""
        for each in list(self.place.iterdir()) if self.place.is_dir() else []:
            if time.time() - each.stat().st_mtime > lasts_s:
                shutil.rmtree(each, ignore_errors=True)
        with self._lock:
            self._tickets = {secret: ticket for secret, ticket in self._tickets.items() if ticket.path.exists()}
            self._is_watched = self.place.is_dir() and any(self.place.iterdir())
            return self._is_watched

    def _drop(self, secret: str) -> None:
        with self._lock:
            ticket = self._tickets.pop(secret, None)
        if ticket:
            shutil.rmtree(ticket.path.parent, ignore_errors=True)

    def _watch(self) -> None:
        while self.sweep():
            time.sleep(LOOKS_S)
