"""A stub of the Hugging Face Hub on this machine: the real client talks to it over HTTP."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repo:
    """A dataset as the Hub has it."""

    files: dict[str, bytes] = field(default_factory=dict)
    card: dict | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes that the Hub tells, where they are not those of ``files``."""
    error: tuple[int, str] | None = None
    """What it answers instead: a status, and the name of the error."""


@dataclass
class Hub:
    """The running stub."""

    repos: dict[str, Repo]
    url: str = ""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and token of every request."""


@contextmanager
def hub(**repos: Repo):
    """A hub with ``OWNER__NAME=Repo(…)`` as its datasets, running while the context lasts."""
    found = Hub({name.replace("__", "/"): repo for name, repo in repos.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = unquote(urlsplit(self.path).path).strip("/")
            found.asked.append((self.command, path, self.headers.get("authorization")))
            status, headers, body = answer(found, path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def answer(hub: Hub, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for a GET of ``path``."""
    is_api = path.startswith("api/datasets/")
    owner, name, *rest = path.removeprefix("api/").removeprefix("datasets/").split("/")
    repo = hub.repos.get(f"{owner}/{name}")
    if repo is None:
        return 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
    if repo.error:
        return repo.error[0], {"X-Error-Code": repo.error[1], "X-Error-Message": "no"}, b""
    if rest[1:2] and rest[1] not in ("main", SHA):
        return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b""
    if is_api:
        siblings = [{"rfilename": file, "size": repo.sizes.get(file, len(body))} for file, body in repo.files.items()]
        info = {"id": f"{owner}/{name}", "sha": SHA, "siblings": siblings, "cardData": repo.card}
        return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
    body = repo.files["/".join(rest[2:])]
    return 200, {"X-Repo-Commit": SHA, "ETag": f'"{abs(hash(body)):x}"'}, body
