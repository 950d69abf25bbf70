"""A stub of the Hugging Face Hub on this machine: the real client talks to it over HTTP.

Small files come from the Hub itself, large ones by a redirect to another host, which must not see the token.
"""

import hashlib
import json
import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 2**14
"""Bytes that are sent at once."""


@dataclass
class Repo:
    """A dataset or a model as the Hub has it."""

    files: dict[str, bytes | Path] = field(default_factory=dict)
    """Their content, or the path of a file that has it."""
    card: dict | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes that the Hub tells, where they are not those of ``files``."""
    error: tuple[int, str] | None = None
    """What it answers instead: a status, and the name of the error."""
    commit: str = SHA
    gated: str | bool = False
    opens_to: str | None = None
    """The token without which it is private, as the header says it; None: it is public."""
    refuses: tuple[int, str] | None = None
    """What it answers in place of a file: a status, and the name of the error."""
    breaks: list[int] = field(default_factory=list)
    """The connections that give a large file, one after the other, end after so many bytes; further ones are whole."""
    elsewhere: list[int] = field(default_factory=list)
    """The statuses with which its storage refuses large files, one after the other; it gives them afterwards."""
    pause_s: float = 0.0
    """It waits so long before each block of a large file."""
    has_ranges: bool = True
    lists_names_only: bool = False
    """Its list of files has neither sizes nor checksums, as with some mirrors."""

    def size(self, name: str) -> int:
        content = self.files[name]
        return self.sizes.get(name, content.stat().st_size if isinstance(content, Path) else len(content))

    def etag(self, name: str) -> str:
        """SHA-256 of a large file, git's SHA-1 of any other; for a file on the disk, that of its path."""
        content = self.files[name]
        if isinstance(content, Path):
            return hashlib.sha256(str(content).encode()).hexdigest()
        if is_large(name):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    def part(self, name: str, start: int, count: int) -> bytes:
        content = self.files[name]
        if isinstance(content, bytes):
            return content[start : start + count]
        with content.open("rb") as file:
            file.seek(start)
            return file.read(count)


@dataclass
class Hub:
    """The running stub."""

    repos: dict[str, Repo]
    url: str = ""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and token of every request."""
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    """Name, first byte and number of bytes of every part of a file that was sent."""
    is_down: bool = False
    """True: it closes every connection without an answer."""

    def bytes_of(self, name: str) -> int:
        """Bytes of a file that were sent, over all connections."""
        return sum(count for sent, _, count in self.sent if sent == name)


def is_large(name: str) -> bool:
    """True for a file that the Hub keeps apart (LFS)."""
    return name.endswith((".safetensors", ".bin"))


class _Handler(BaseHTTPRequestHandler):
    """What the stub answers to one connection."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append((self.command, path, self.headers.get("authorization")))
        if self.hub.is_down:
            self.close_connection = True
            return
        with suppress(ConnectionError):
            if self.is_private(path):
                self.give(401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"")
            elif path.startswith("cdn/"):
                self.give_large(*path.removeprefix("cdn/").rsplit("/", 1))
            else:
                self.give(*answer(self.hub, path))

    do_HEAD = do_GET

    def is_private(self, path) -> bool:
        """True if the request lacks the token that the repository in ``path`` opens to."""
        found = next((repo for name, repo in self.hub.repos.items() if f"{name}/" in f"{path}/"), None)
        is_asked = found is not None and found.opens_to is not None and not path.startswith("cdn/")
        return is_asked and self.headers.get("authorization") != found.opens_to

    def give(self, status, headers, body):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            if status == 200 and "X-Repo-Commit" in headers:
                self.hub.sent.append((self.path.rsplit("/", 1)[-1], 0, len(body)))

    def give_large(self, repo_id, name):
        repo = self.hub.repos[repo_id]
        if repo.elsewhere:
            self.give(repo.elsewhere.pop(0), {}, b"refused")
            return
        whole = repo.files[name].stat().st_size if isinstance(repo.files[name], Path) else len(repo.files[name])
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "") if repo.has_ranges else None
        start = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1, whole) if wanted and wanted[2] else whole
        if start >= whole:
            self.give(416, {"Content-Range": f"bytes */{whole}"}, b"")
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(end - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{whole}")
        self.end_headers()
        last = min(end, start + repo.breaks.pop(0)) if repo.breaks and self.command == "GET" else end
        self.send_blocks(repo, name, start, last)
        self.close_connection = last < end

    def send_blocks(self, repo, name, start, last):
        at = start
        try:
            while self.command == "GET" and at < last:
                time.sleep(repo.pause_s)
                block = repo.part(name, at, min(BLOCK, last - at))
                self.wfile.write(block)
                at += len(block)
        finally:
            self.hub.sent.append((name, start, at - start))

    def log_message(self, *_):
        pass


@contextmanager
def hub(**repos: Repo):
    """A hub with ``OWNER__NAME=Repo(…)`` as its datasets and models, running while the context lasts."""
    found = Hub({name.replace("__", "/"): repo for name, repo in repos.items()})

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": found}))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        found.is_down = True  # also for connections that the client has kept
        server.shutdown()
        server.server_close()


def answer(hub: Hub, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for a request of ``path``."""
    is_api, is_dataset = path.startswith("api/"), "datasets/" in path
    owner, _, below = re.sub(r"^(api/)?(datasets/|models/)?", "", path).partition("/")
    name, *rest = below.split("/")
    repo = hub.repos.get(f"{owner}/{name}")
    if repo is None:
        return 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
    if repo.error:
        return repo.error[0], {"X-Error-Code": repo.error[1], "X-Error-Message": "no"}, b""
    if rest[1:2] and rest[1] not in ("main", repo.commit):
        return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b""
    if is_api:
        return 200, {"Content-Type": "application/json"}, json.dumps(listing(repo, f"{owner}/{name}")).encode()
    file = "/".join(rest[2:])
    if repo.refuses:
        return repo.refuses[0], {"X-Error-Code": repo.refuses[1], "X-Error-Message": "no"}, b""
    if file not in repo.files:
        return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b""
    if is_large(file) and not is_dataset:
        about = {"X-Linked-Size": str(repo.size(file)), "X-Linked-ETag": f'"{repo.etag(file)}"'}
        elsewhere = f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/{owner}/{name}/{file}"
        return 302, {"X-Repo-Commit": repo.commit, "Location": elsewhere, **about}, b""
    return 200, {"X-Repo-Commit": repo.commit, "ETag": f'"{repo.etag(file)}"'}, repo.part(file, 0, repo.size(file))


def listing(repo: Repo, repo_id: str) -> dict:
    """What the Hub tells of a dataset or a model."""
    siblings: list[dict] = [{"rfilename": name} for name in repo.files]
    for sibling in () if repo.lists_names_only else siblings:
        name = sibling["rfilename"]
        sibling |= {"size": repo.size(name), "blobId": repo.etag(name)[:40]}
        if is_large(name):
            sibling["lfs"] = {"size": repo.size(name), "sha256": repo.etag(name), "pointerSize": 134}
    return {"id": repo_id, "sha": repo.commit, "siblings": siblings, "cardData": repo.card, "gated": repo.gated} | {
        "private": repo.opens_to is not None
    }
