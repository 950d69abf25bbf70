"""A stand-in of the Hub's interface for writing, on this machine: the real client creates repositories and commits.

Large files are sent to another host, as they are to the Hub's storage, which must not see the token. Faults are
planned: the next request that one matches gets it.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

LARGE = (".safetensors", ".bin", ".pt", ".gguf", ".json.gz")
BLOCK = 2**14
LICENSES = {"apache-2.0", "mit", "gemma", "other", "openrail", "cc-by-nc-4.0", "cc-by-4.0", "llama2", "llama3"} | {
    "llama3.1",
    "llama3.2",
    "llama3.3",
    "llama4",
}
RELATIONS = {"adapter", "finetune", "merge", "quantized"}
LINKED = re.compile(r"https?://\S+|LICENSE\S*")


@dataclass
class Stored:
    """A repository: its files at each commit."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]

    @property
    def commit(self) -> str:
        return self.commits[-1][0]

    def put(self, files: dict[str, bytes]) -> None:
        text = repr([(name, hashlib.sha256(content).hexdigest()) for name, content in sorted(files.items())])
        self.commits.append((hashlib.sha1(f"{len(self.commits)}{text}".encode()).hexdigest(), files))

    def at(self, revision: str) -> dict[str, bytes]:
        return next((files for commit, files in self.commits if commit == revision), self.files)


@dataclass
class Fault:
    """What happens to a request in place of an answer."""

    where: str
    """A pattern of its method and path."""
    status: int = 0
    """It is answered so; 0: its connection breaks."""
    headers: dict = field(default_factory=dict)
    after: int = 0
    """Bytes of its body that are read before."""
    times: int = 1
    skip: int = 0
    """Requests that match and pass first."""


@dataclass
class WritingHub:
    """The running stand-in."""

    accounts: dict[str, str] = field(default_factory=dict)
    """Name of the account of each token."""
    repos: dict[str, Stored] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, address and token of every request."""
    received: list[tuple[str, int]] = field(default_factory=list)
    """Path and number of bytes of every large file, or part of one, that was sent."""
    created: list[dict] = field(default_factory=list)
    validated: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    spoils: str = ""
    """The end of the names of files of which it stores other bytes."""
    gate: threading.Event | None = None
    """Large files wait for it."""
    is_down: bool = False
    token: str = ""
    """That of this machine."""
    waits: list[float] = field(default_factory=list)
    """Seconds that the client would have waited, each time."""

    def fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.where, line):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def create(self, repo: str, private: bool = True, **files: bytes) -> Stored:
        self.repos[repo] = Stored(private)
        self.repos[repo].put({".gitattributes": b"*.safetensors filter=lfs", **files})
        return self.repos[repo]


class _Handler(BaseHTTPRequestHandler):
    hub: WritingHub
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, f"{self.headers['host']}{path}", self.headers.get("authorization")))
        if self.hub.is_down:
            self.close_connection = True
            return
        with suppress(ConnectionError):
            if fault := self.hub.fault(f"{self.command} {path}"):
                return self.fail(fault, path)
            body = b"".join(self.body(path))
            self.give(*self.answer(path, body))

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def fail(self, fault: Fault, path: str) -> None:
        read = 0
        for block in self.body(path, fault.after) if fault.after else ():
            read += len(block)
        if fault.status:
            list(self.body(path)) if not fault.after else None
            return self.give(fault.status, fault.headers, b'{"error": "no"}')
        self.close_connection = True
        self.connection.close()

    def body(self, path: str, most: int = 0) -> Iterator[bytes]:
        """The body, by blocks, up to ``most`` bytes."""
        if self.headers.get("transfer-encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                yield self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("content-length") or 0)
        left, got = min(left, most) if most else left, 0
        while left and (block := self.rfile.read(min(BLOCK, left))):
            left, got = left - len(block), got + len(block)
            yield block
        if path.startswith("/storage/"):
            self.hub.received.append((path, got))

    def give(self, status: int, headers: dict, body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @property
    def account(self) -> str | None:
        return self.hub.accounts.get((self.headers.get("authorization") or "").removeprefix("Bearer "))

    def answer(self, path: str, body: bytes) -> tuple[int, dict, bytes]:
        if path.startswith("/storage/"):
            return self.store(path, body)
        if path == "/api/validate-yaml":
            return self.validate(json.loads(body)["content"])
        if path == "/api/whoami-v2":
            return _json({"name": self.account, "type": "user"}) if self.account else _json({"error": "Invalid"}, 401)
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        found = re.fullmatch(r"(?:/api/models)?/([^/]+/[^/.]+(?:\.[^/]+)*?)(?:\.git)?(?:/(.*))?", path)
        repo_id, rest = (found[1], found[2] or "") if found else ("", "")
        repo = self.hub.repos.get(repo_id)
        if repo is None or (repo.private and self.account is None):
            return _missing("RepoNotFound", 404 if self.account else 401)
        if self.command == "POST" and self.account != repo_id.split("/")[0]:
            return _json({"error": "Forbidden"}, 403)
        return self.of_repo(repo_id, repo, rest, body)

    def of_repo(self, repo_id: str, repo: Stored, rest: str, body: bytes) -> tuple[int, dict, bytes]:
        if rest.startswith("preupload/"):
            asked = json.loads(body)["files"]
            return _json({"files": [self.mode(repo, each["path"]) for each in asked]})
        if rest == "info/lfs/objects/batch":
            return _json({"transfer": "basic", "objects": [self.lfs(each) for each in json.loads(body)["objects"]]})
        if rest == "verify":
            given = json.loads(body)
            return _json({}, 200 if len(self.hub.blobs.get(given["oid"], b"")) == given["size"] else 404)
        if rest.startswith("commit/"):
            return self.commit(repo_id, repo, [json.loads(line) for line in body.splitlines()])
        if rest.startswith("resolve/"):
            _, revision, name = rest.split("/", 2)
            return self.resolve(repo, repo.at(revision), name)
        if rest.startswith("tree/"):
            _, revision, *below = rest.split("/", 2)
            return self.tree(repo.at(revision), below[0] if below else "")
        revision = rest.removeprefix("revision/")
        files = repo.at(revision) if rest else repo.files
        told = {"id": repo_id, "sha": revision if re.fullmatch("[0-9a-f]{40}", revision) else repo.commit}
        return _json(told | {"private": repo.private, "siblings": [_sibling(*each) for each in files.items()]})

    def create(self, asked: dict) -> tuple[int, dict, bytes]:
        owner = asked.get("organization") or self.account
        if self.account is None:
            return _json({"error": "Invalid credentials in Authorization header"}, 401)
        if owner != self.account:
            return _json({"error": "You don't have the rights to create a model under this namespace"}, 403)
        repo_id = f"{owner}/{asked['name']}"
        if repo_id in self.hub.repos:
            return _json({"error": "You already created this model repo", "url": f"{self.hub.url}/{repo_id}"}, 409)
        self.hub.created.append(asked)
        self.hub.create(repo_id, asked.get("visibility") != "public")
        return _json({"url": f"{self.hub.url}/{repo_id}"})

    def mode(self, repo: Stored, path: str) -> dict:
        found = _sibling(path, repo.files[path]) if path in repo.files else {}
        there = found["lfs"]["sha256"] if "lfs" in found else found.get("blobId")
        mode = "lfs" if path.endswith(LARGE) else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": there}

    def lfs(self, asked: dict) -> dict:
        if asked["oid"] in self.hub.blobs:
            return asked
        storage = self.hub.url.replace("127.0.0.1", "localhost")
        repo = self.path.split(".git/")[0]
        upload = {"href": f"{storage}/storage/{asked['oid']}?X-Amz-Signature=canary-signature"}
        return asked | {"actions": {"upload": upload, "verify": {"href": f"{self.hub.url}{repo}.git/verify"}}}

    def store(self, path: str, body: bytes) -> tuple[int, dict, bytes]:
        if self.hub.gate:
            self.hub.gate.wait(30)
        oid = path.rsplit("/", 1)[-1]
        if hashlib.sha256(body).hexdigest() != oid:
            return 400, {}, b"checksum"
        self.hub.blobs[oid] = body
        return 200, {"ETag": f'"{oid}"'}, b""

    def commit(self, repo_id: str, repo: Stored, lines: list[dict]) -> tuple[int, dict, bytes]:
        files = dict(repo.files)
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.hub.blobs[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]
                case "deletedFolder":
                    files = {name: each for name, each in files.items() if not name.startswith(value["path"])}
        if self.hub.spoils:
            files = {name: b"x" + each[1:] if name.endswith(self.hub.spoils) else each for name, each in files.items()}
        repo.put(files)
        return _json({"commitOid": repo.commit, "commitUrl": f"{self.hub.url}/{repo_id}/commit/{repo.commit}"})

    def resolve(self, repo: Stored, files: dict[str, bytes], name: str) -> tuple[int, dict, bytes]:
        if name not in files:
            return _missing("EntryNotFound", 404)
        key = _sibling(name, files[name])
        etag = key["lfs"]["sha256"] if "lfs" in key else key["blobId"]
        return 200, {"X-Repo-Commit": repo.commit, "ETag": f'"{etag}"'}, files[name]

    def tree(self, files: dict[str, bytes], below: str) -> tuple[int, dict, bytes]:
        found = [
            {"type": "file", "path": name, "size": len(content), "oid": _sibling(name, content)["blobId"]}
            for name, content in files.items()
            if not below or name.startswith(below + "/")
        ]
        return _json(found) if found else _missing("EntryNotFound", 404)

    def validate(self, text: str) -> tuple[int, dict, bytes]:
        """What the Hub refuses of a model card's metadata, as far as its documentation says."""
        self.hub.validated.append(text)
        found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        try:
            told = yaml.safe_load(found[1]) if found else None
        except yaml.YAMLError as error:
            return _json({"errors": [{"message": str(error)}], "warnings": []}, 400)
        wrong = [] if isinstance(told, dict) else ["no metadata"]
        if isinstance(told, dict):
            if told.get("license", "mit") not in LICENSES:
                wrong.append('"license" must be one of the list')
            if told.get("license_link") and not LINKED.fullmatch(told["license_link"]):
                wrong.append('"license_link" must be an address')
            if told.get("base_model_relation", "adapter") not in RELATIONS:
                wrong.append('"base_model_relation" must be one of the list')
            if not all(isinstance(each, str) for each in told.get("tags", [])):
                wrong.append('"tags" must be texts')
            for index in told.get("model-index", []):
                if not isinstance(index.get("name"), str) or not index.get("results"):
                    wrong.append('"model-index" must have names and results')
        return _json({"errors": [{"message": each} for each in wrong], "warnings": []}, 400 if wrong else 200)

    def log_message(self, *_):
        pass


def _json(value: object, status: int = 200) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _missing(code: str, status: int) -> tuple[int, dict, bytes]:
    return status, {"X-Error-Code": code, "X-Error-Message": "not found"}, b""


def _sibling(name: str, content: bytes) -> dict:
    """A file as the Hub lists it."""
    told = {"rfilename": name, "size": len(content)}
    told["blobId"] = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    if name.endswith(LARGE):
        told["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
    return told


@contextmanager
def writing_hub(**accounts: str) -> Iterator[WritingHub]:
    """A stand-in where each account ``NAME`` has the token ``accounts[NAME]``, running while the context lasts."""
    found = WritingHub({token: name for name, token in accounts.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": found}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        found.is_down = True
        if found.gate:
            found.gate.set()
        server.shutdown()
        server.server_close()
