"""Requests to a middleware, as the server would pass them on."""

import asyncio
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def scope_of(line: str = "GET /", headers: dict | list = (), client: str = "203.0.113.7", **more) -> dict:
    """The scope of a request; ``line`` is its method and address."""
    method, _, address = line.partition(" ")
    path, _, query = address.partition("?")
    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": raw,
        "client": (client, 1),
        "scheme": "http",
        "state": {},
        **more,
    }


def ask(app, scope: dict, body: bytes = b"") -> Answer:
    """What ``app`` answers."""
    sent, given = [], [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return given.pop(0) if given else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    headers = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]))


async def echo(scope, receive, send):
    """An app that answers 200 with the body it was sent."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
