"""A notice to an address of the person's own once a run has ended: a webhook, or a topic of ntfy.

The address lets whoever knows it post there, so it is a secret: it comes from the environment or a file, and stands in
no recipe, event, log or message. A notice says how the run ended in numbers, and nothing of its data.

That a notice is due is noted in the run directory before the run begins, so that one whose process was killed is told
by the next start. It is told once, also where two processes start.
"""

import argparse
import http.client
import ipaddress
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from filelock import Timeout

from finetune.errors import GoneError, SettingError
from finetune.format import amount, duration
from finetune.runs.events import Noted
from finetune.runs.run import Run
from finetune.runs.view import FINISHED, View
from finetune.runs.workspace import Workspace

URL, FORM = "FINETUNE_NOTIFY_URL", "FINETUNE_NOTIFY_AS"
"""Variables of the environment: the address, and the form of a notice."""
Form = Literal["json", "ntfy"]

TIMEOUT_S = 10.0
PAUSES_S = (1.0, 4.0)
"""Before the second and the third try."""
LONGEST_S = 3 * TIMEOUT_S + sum(PAUSES_S)
"""All tries together."""
DUE, LOCK = "notice-due", "notice.lock"
"""Files in a run directory: a notice will be due at its end; and the lock of whoever sends it."""
ENDED = (*FINISHED, "paused", "interrupted")


@dataclass(frozen=True)
class Address:
    """Where notices go."""

    url: str = field(repr=False)
    form: Form = "json"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The option of a command that trains."""
    parser.add_argument(
        "--notify-url-file",
        type=Path,
        metavar="FILE",
        help=f"a file with the address that is told when a run ends (or {URL}): a webhook, or a topic of ntfy",
    )


def notices_of(given: argparse.Namespace) -> "Notices":
    """The notices that the option and the environment ask for, whose address this process then forgets.

    ``SettingError``, which does not say the address, if that is none.
    """
    url = os.environ.pop(URL, "")  # every process that this one starts would inherit it
    where = URL
    if given.notify_url_file:
        where = "What --notify-url-file names"
        try:
            url = given.notify_url_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingError(
                f"The file {given.notify_url_file} cannot be read.", "Check the path of --notify-url-file."
            ) from None
    return Notices(address_of(url.strip(), os.environ.get(FORM, ""), where) if url.strip() else None)


def address_of(url: str, form: str = "", where: str = URL) -> Address:
    """The address ``url``; ``SettingError`` unless it is HTTPS, or HTTP to this machine or network."""
    if form and form not in get_args(Form):
        raise SettingError(f"{FORM} is {form!r}.", f"Use {' or '.join(get_args(Form))}, or leave it empty.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("https", "http") or not url.isascii() or any(map(str.isspace, url)):
        raise SettingError(f"{where} is not the address of a webhook.", "It begins with https:// and has no blanks.")
    if parts.scheme == "http" and not is_near(host):
        raise SettingError(f"{where} would send in clear over the internet.", "Use an address with https://.")
    is_ntfy = host == "ntfy.sh" or host.startswith("ntfy.") or host == "ntfy"
    return Address(url, form or ("ntfy" if is_ntfy else "json"))


def is_near(host: str) -> bool:
    """True for a name or an address of this machine or its private network."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return found.is_private or found.is_loopback


class Notices:
    """Tells an ``address`` of the ends of runs, each in a thread of its own; nothing without an address."""

    def __init__(self, address: Address | None = None):
        self._address = address
        self._sending: list[threading.Thread] = []

    def promise(self, run: Run) -> None:
        """Note that a notice is due at the end of ``run``, which begins."""
        if self._address:
            with suppress(GoneError, OSError), run.here():
                (run.path / DUE).touch()

    def keep(self, run: Run) -> None:
        """Send the notice that is due for ``run``, if it has ended."""
        if self._address is None or not (run.path / DUE).exists():
            return
        view = run.view()
        if view.state in ENDED:
            facts = facts_of(run, view)
            thread = threading.Thread(target=self._tell, args=(run, facts), name="notice", daemon=True)
            self._sending.append(thread)
            thread.start()

    @contextmanager
    def of(self, run: Run) -> Iterator[None]:
        """Inside, ``run`` is worked on to its end, whatever happens; then its notice is sent."""
        self.promise(run)
        try:
            yield
        finally:
            self.keep(run)

    def overdue(self, workspace: Workspace) -> None:
        """Send what is due for runs whose process was killed, or ended before it could."""
        for run in workspace.runs() if self._address else ():
            self.keep(run)

    def close(self, wait_s: float = LONGEST_S) -> None:
        """Wait for what is being sent; what is not sent by then is sent by the next start."""
        until = time.monotonic() + wait_s
        for thread in self._sending:
            thread.join(max(0.0, until - time.monotonic()))
        self._sending = [thread for thread in self._sending if thread.is_alive()]

    def _tell(self, run: Run, facts: dict) -> None:
        """Send ``facts`` unless another process does, and note in the log of ``run`` why it could not."""
        with suppress(GoneError, OSError, Timeout):
            with run.lock(LOCK).acquire(timeout=0):
                if not (run.path / DUE).exists():
                    return
                problem = send(self._address, facts)
                (run.path / DUE).unlink(missing_ok=True)
            if problem:
                message = f"The notice of its end could not be sent: {problem}."
                run.emit(Noted(message=message, level="warning"))


def facts_of(run: Run, view: View) -> dict:
    """What a notice says: numbers and names of the program's own, beside the run's id."""
    last = view.evaluations[-1].loss if view.evaluations else math.nan
    return {
        "run": run.id,
        "state": view.state,
        "code": view.code,
        "method": view.method,
        "step": view.step,
        "total_steps": view.total_steps,
        "duration_s": round(view.elapsed_s, 1),
        "held_out_loss": round(last, 6) if math.isfinite(last) else None,
    }


def words(facts: dict) -> str:
    """The facts of a notice as a sentence."""
    why = f" ({facts['code']})" if facts["code"] else ""
    parts = [f"Run {facts['run']}: {facts['state']}{why}", facts["method"].upper()]
    if facts["total_steps"]:
        parts.append(f"step {amount(facts['step'])} of {amount(facts['total_steps'])}")
    parts += [duration(facts["duration_s"])] if facts["duration_s"] else []
    parts += [f"held-out loss {facts['held_out_loss']:.4g}"] if facts["held_out_loss"] is not None else []
    return ", ".join(parts) + "."


def send(address: Address, facts: dict) -> str:
    """Post ``facts``, in three tries; why that failed, in words without the address, or empty."""
    for pause_s in (*PAUSES_S, None):
        problem, is_passing = _post(address, facts)
        if not is_passing or pause_s is None:
            return problem
        time.sleep(pause_s)
    return problem


def _post(address: Address, facts: dict) -> tuple[str, bool]:
    """One try: what is wrong, and whether that may pass."""
    try:
        with _opener.open(_request(address, facts), timeout=TIMEOUT_S):
            return "", False
    except urllib.error.HTTPError as error:
        error.close()
        if 300 <= error.code < 400:
            return "the address leads on to another one, which is not followed", False
        return f"the address answers with status {error.code}", error.code == 429 or error.code >= 500
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        why = "does not answer in time" if isinstance(reason, TimeoutError) else "cannot be reached"
        return f"the address {why} ({type(reason).__name__})", True


def _request(address: Address, facts: dict) -> urllib.request.Request:
    """A notice as ntfy wants it, a plain text with a title; or as JSON, with the text where chats look for it.

    ``text`` is read by Slack, Mattermost and Teams, ``content`` by Discord; each passes over the rest.
    """
    said = words(facts)
    if address.form == "ntfy":
        is_well = facts["state"] in ("done", "stopped", "paused")
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Title": f"Finetune Studio: {facts['state']}",
            "Tags": "white_check_mark" if is_well else "warning",
        }
        return urllib.request.Request(address.url, said.encode(), headers, method="POST")
    body = json.dumps({**facts, "text": said, "content": said}).encode()
    return urllib.request.Request(address.url, body, {"Content-Type": "application/json"}, method="POST")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A notice goes to the address that was named, and to no other."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirect)
