"""The pages to sign in and out."""

import math
from dataclasses import dataclass, field
from functools import partial
from html import escape
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from finetune.door import huggingface
from finetune.door.identity import SIGNED_IN, Recognizer, is_secure
from finetune.door.paths import own_address
from finetune.door.refusal import PAGE_POLICY, html_page, refusal
from finetune.door.throttle import Rate, Throttle

EACH, TOGETHER = Rate(5, 60.0), Rate(60, 60.0)
"""Passwords that are tried from one address, and from all of them."""
MOST_BODY = 10_000
"""Bytes of the form."""
POLICY = PAGE_POLICY + "; form-action 'self'"
WRONG = "Name or password is wrong."


@dataclass(frozen=True)
class SignIn:
    """The addresses ``/login`` and ``/logout``."""

    recognizer: Recognizer
    tries: Throttle = field(default_factory=partial(Throttle, EACH, TOGETHER))

    def routes(self) -> list[Route]:
        """The addresses, for an app of Starlette."""
        return [
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """The page to sign in; who is signed in already goes on."""
        after = own_address(request.query_params.get("next"))
        if not self.recognizer.members.must_sign_in:
            return RedirectResponse("/", 303)
        return self._page(after)

    async def enter(self, request: Request) -> Response:
        """Compare a password: on to the page, or the form again with what is wrong."""
        if self.recognizer.members.way != "password":
            return refusal(request.scope, 404, "There is nothing at this address.")
        form = await _form(request)
        if form is None:
            return refusal(request.scope, 413, "This form is too long.")
        name, password = form.get("name", form.get("username", "")), form.get("password", "")  # of gradio_client, too
        after = own_address(form.get("next"))
        address = self.recognizer.address(request.scope)
        if wait_s := self.tries.wait_s(address):
            words = f"Too many attempts. Try again in {math.ceil(wait_s)} seconds."
            page = self._page(after, words, name, 429)
            page.headers["Retry-After"] = str(math.ceil(wait_s))
            return page
        if not await run_in_threadpool(self.recognizer.members.knows, name, password):
            return self._page(after, WRONG, name, 401)
        if self.recognizer.members.role(name) is None:
            return self._page(after, "You may not use this studio.", name, 403)
        self.tries.forgive(address)
        value = [name, self.recognizer.members.stamp(name)]
        cookie = self.recognizer.cookies.made(SIGNED_IN, value, is_secure(request.scope))
        headers = {"Set-Cookie": cookie, "Cache-Control": "no-store"}
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"success": True}, headers=headers)
        return RedirectResponse(after, 303, headers=headers)

    async def leave(self, request: Request) -> Response:
        """Sign out, and show the page to sign in."""
        huggingface.forget(request.scope)
        cookie = self.recognizer.cookies.removed(SIGNED_IN, is_secure(request.scope))
        return RedirectResponse("/login", 303, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})

    def _page(self, after: str, problem: str = "", name: str = "", status: int = 200) -> Response:
        told = f"<p class='problem' role='alert'>{escape(problem)}</p>" if problem else ""
        form = _by_huggingface(after) if self.recognizer.members.way == "huggingface" else _by_password(after, name)
        return html_page("Sign in", told + form, status, POLICY)


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None if it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            return None
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _by_password(after: str, name: str) -> str:
    return (
        "<form method='post' action='/login'>"
        f"<input type='hidden' name='next' value='{escape(after)}'>"
        f"<label>Name<input name='name' value='{escape(name[:100])}' autocomplete='username' required"
        f"{'' if name else ' autofocus'}></label>"
        "<label>Password<input name='password' type='password' autocomplete='current-password' required"
        f"{' autofocus' if name else ''}></label>"
        "<button>Sign in</button></form>"
        "<p class='small'>Whoever started this studio gave you a name and a password.</p>"
    )


def _by_huggingface(after: str) -> str:
    address = f"{huggingface.START}?_target_url={quote(after, safe='')}"
    return (
        # In a frame of another site the sign-in would be refused, hence a page of its own.
        f"<p><a class='button' href='{escape(address)}' target='_blank' rel='opener'>Sign in with Hugging Face</a></p>"
        "<p class='small'>The studio learns your name and your organizations, and nothing else of your account.</p>"
    )
