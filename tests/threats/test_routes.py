"""Every address that the page serves, with why it is there; and what Gradio offers that the page leaves out.

A Gradio that serves one more makes the first test fail: read what it does, then list it here or refuse it at the door.
"""

import ast
import json
import re
import subprocess
import sys
import uuid
from contextlib import suppress

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from finetune.door.budget import Budget
from finetune.door.paths import OFFERED
from finetune.paths import PROJECT
from finetune.runs.workspace import Workspace
from finetune.ui.page import build, options
from finetune.ui.site import site
from finetune.ui.studio import Studio

ANSWERS = "reads no data of a person"
HANDLERS = "runs a handler of the page, which checks what it is given"
FILES = "files of the page's own cache, by names that cannot be guessed"
OFF = "refuses or is empty, since the option is off"
SIGN_IN = "sign-in; without one it gives nothing away"

KNOWN = {
    "/": ANSWERS,
    "/vote": ANSWERS,
    "/vote/": ANSWERS,
    "/config": ANSWERS,
    "/assets/{path:path}": "Gradio's own scripts and styles",
    "/static/{path:path}": "Gradio's own scripts and styles",
    "/svelte/{path:path}": "Gradio's own scripts and styles",
    "/favicon.ico": ANSWERS,
    "/manifest.json": OFF,
    "/pwa_icon": OFF,
    "/pwa_icon/{size}": OFF,
    "/openapi.json": ANSWERS,
    "/robots.txt": ANSWERS,
    "/theme.css": ANSWERS,
    "/login": SIGN_IN,
    "/logout": SIGN_IN,
    "/monitoring": OFF,
    "/monitoring/summary": OFF,
    "/monitoring/{key}": OFF,
    "/gradio_api/app_id": ANSWERS,
    "/gradio_api/api/{api_name}": HANDLERS,
    "/gradio_api/call/v2/{api_name}": HANDLERS,
    "/gradio_api/call/v2/{api_name}/{event_id}": HANDLERS,
    "/gradio_api/call/{api_name}": HANDLERS,
    "/gradio_api/call/{api_name}/{event_id}": HANDLERS,
    "/gradio_api/cancel": "ends an event by an id that only its visitor has",
    "/gradio_api/component_server": "calls functions of components; no component here has one",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}": "files of custom components; there are none",
    "/gradio_api/deep_link": OFF,
    "/gradio_api/dev/reload": OFF,
    "/gradio_api/file/{path:path}": FILES,
    "/gradio_api/file={path_or_url:path}": FILES,
    "/gradio_api/heartbeat/{session_hash}": ANSWERS,
    "/gradio_api/info": ANSWERS,
    "/gradio_api/login_check": SIGN_IN,
    "/gradio_api/openapi.json": ANSWERS,
    "/gradio_api/process_recording": OFF,
    "/gradio_api/proxy={url_path:path}": "refuses: the page loads nothing from other Spaces",
    "/gradio_api/queue/data": HANDLERS,
    "/gradio_api/queue/join": HANDLERS,
    "/gradio_api/queue/status": ANSWERS,
    "/gradio_api/reset": "ends an event by an id that only its visitor has",
    "/gradio_api/run/{api_name}": HANDLERS,
    "/gradio_api/runs": OFF,
    "/gradio_api/startup-events": ANSWERS,
    "/gradio_api/stream/{event_id}": "streams of audio and video; no component here has any",
    "/gradio_api/stream/{event_id}/close": "streams of audio and video; no component here has any",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file": "streams; there are none",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8": "streams; there are none",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}": "streams; there are none",
    "/gradio_api/theme.css": ANSWERS,
    "/gradio_api/token": SIGN_IN,
    "/gradio_api/undo-vibe-edit": OFF,
    "/gradio_api/upload": "uploads, which the door limits",
    "/gradio_api/upload_progress": ANSWERS,
    "/gradio_api/user": SIGN_IN,
    "/gradio_api/vibe-code": OFF,
    "/gradio_api/vibe-edit": OFF,
    "/gradio_api/vibe-starter-queries": OFF,
}
"""Address (without a slash at its end) -> why it is there."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page without the door: Gradio's app inside an empty one."""
    studio = Studio(Workspace(tmp_path_factory.mktemp("routes")))
    outer = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    return gr.mount_gradio_app(outer, build(studio), "/", **options(Budget.local()))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The page as it is served."""
    studio = Studio(Workspace(tmp_path_factory.mktemp("site")))
    return TestClient(site(studio), base_url="http://localhost:7860", follow_redirects=False)


def addresses(routes) -> set[str]:
    """Every address of ``routes``, also of routers and apps among them."""
    found = set()
    for route in routes:
        inner = getattr(route, "original_router", route)
        if getattr(inner, "routes", None):
            found |= {f"{getattr(route, 'path', '')}{each}" for each in addresses(inner.routes)}
        else:
            found.add(route.path)
    return found


@pytest.mark.threat("T16", "T39", "T40")
def test_every_address_is_known(served):
    found = {address.rstrip("/") or "/" for address in addresses(served.routes)}
    assert found == {address.rstrip("/") or "/" for address in KNOWN}


@pytest.mark.threat("T1", "T3", "T40")
def test_what_the_page_does_not_use_is_not_offered():
    hidden = {path for path, why in KNOWN.items() if why in (OFF, FILES) or "there are none" in why or "has one" in why}
    shown = {path for path in hidden for method in ("GET", "POST") if OFFERED.fullmatch(f"{method} {path}")}
    assert len(hidden) > 15 and shown <= {"/manifest.json"}


@pytest.mark.threat("T40")
@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/monitoring/x"])
def test_nobody_can_watch_who_visits(client, path):
    assert client.get(path).status_code in (401, 403, 404, 500) and "total" not in client.get(path).text


@pytest.mark.threat("T40")
def test_what_is_off_is_off(client):
    config = client.get("/config").json()
    assert not config["run_history"] and not config["analytics_enabled"] and not config.get("pwa")
    assert not config["show_error"] and not config.get("vibe_mode") and not config.get("mcp_server")
    assert not config["footer_links"] and not config.get("is_space")
    for path in ("/gradio_api/vibe-edit", "/gradio_api/vibe-edit/", "/gradio_api/undo-vibe-edit"):
        assert client.post(path, json={"prompt": "print(1)", "hash": "x"}).status_code in (403, 404, 422)
    for path in ("/gradio_api/vibe-code", "/gradio_api/mcp", "/gradio_api/mcp/sse", "/gradio_api/runs"):
        assert client.get(path).status_code in (400, 403, 404, 405)
    assert client.get("/gradio_api/proxy=https://evil.example.hf.space/x").status_code in (400, 403, 404)


@pytest.mark.threat("T40", "T39")
def test_the_options_leave_nothing_to_the_environment():
    given = options(Budget.local())
    off = ("show_error", "run_history", "enable_monitoring", "mcp_server", "pwa", "ssr_mode")
    assert [name for name in off if given[name] is not False] == [] and given["footer_links"] == []


SERVER = """
import os, sys, socket
sys.path.insert(0, os.getcwd())
real = socket.socket.connect
def connect(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost", "::1"):
        print("OUTGOING", address, flush=True)
    return real(self, address)
socket.socket.connect = connect
asked = socket.getaddrinfo
def getaddrinfo(host, *more, **given):
    if host not in ("127.0.0.1", "localhost", "::1", None, "0.0.0.0", b"127.0.0.1", ""):
        print("OUTGOING", host, flush=True)
    return asked(host, *more, **given)
socket.getaddrinfo = getaddrinfo
import runpy
runpy.run_path("app.py", run_name="__main__")
"""


@pytest.mark.threat("T39", "T40")
def test_a_start_connects_to_nobody(tmp_path, capsys):
    from urllib.request import urlopen

    from tests.browser import app

    script = tmp_path / "watched.py"
    script.write_text(SERVER)
    with app(tmp_path / "home", script) as address:
        assert b"gradio_config" in urlopen(address, timeout=60).read()
        assert json.load(urlopen(f"{address}/config", timeout=60))["components"]
    assert "OUTGOING" not in capsys.readouterr().out


SOURCES = [PROJECT / "app.py", *sorted((PROJECT / "finetune").rglob("*.py"))]


def calls(tree: ast.AST) -> list[str]:
    """Every function that is called, as it is written: ``subprocess.run``."""
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.threat("T16", "T17", "T39")
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_file_opens_a_door(path):
    """No shell, no evaluated text, no interface that flags, no tunnel, no app loaded from elsewhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    forbidden = re.compile(
        r"^(eval|exec|__import__|os\.(system|popen|exec\w+)|pty\.\w+|gr\.(Interface|ChatInterface|load|Flag\w*))$"
    )
    allowed = ["exec"] if path.name == "renderer.py" else []  # the compiler of Transformers, in a process with limits
    assert [each for each in calls(tree) if forbidden.match(each)] == allowed
    given = [
        (keyword.arg, ast.unparse(keyword.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    ]
    opening = ("shell", "share", "allow_pickle", "mcp_server", "vibe_mode", "enable_monitoring")
    assert [each for each in given if each[0] in opening and each[1] == "True"] == []
    assert [each for each in given if each[0] in ("shell", "trust_remote_code") and each[1] != "False"] == []
    assert ("weights_only", "False") not in given and "flagging_mode" not in dict(given)


@pytest.mark.threat("T17")
@pytest.mark.parametrize("text", ["$(touch {})", "`touch {}`", "; touch {}", "'| touch {} #"])
def test_a_command_in_a_setting_is_text(with_tiny, tmp_path, text):
    """In the name, the prompts and the paths of a recipe that trains; the name is a part of its folder's."""
    from finetune.errors import FinetuneError
    from finetune.recipe import Recipe
    from finetune.service.worker import work
    from tests.training.test_train import recipe

    canary = f"canary{uuid.uuid4().hex[:12]}"  # a name that no file of an installed package has
    text = text.format(canary)
    changes = {"name": text, "evaluation.prompts": [text], "training.max_steps": 1, "evaluation.times": 1}
    run = with_tiny.create(recipe(tmp_path, **changes))
    work(run, with_tiny)
    assert run.view().state == "done" and re.fullmatch(rf"001-touch-{canary}", run.id)
    for path in ("model.id", "model.revision", "data.path", "model.run"):
        with suppress(FinetuneError):  # a name is refused before there is a run
            other = with_tiny.create(Recipe.from_dict(recipe(tmp_path).to_dict()).changed(**{path: text}))
            work(other, with_tiny)
            assert other.view().state in ("failed", "done")
    assert [path for folder in (PROJECT, tmp_path) for path in folder.rglob(canary)] == []


@pytest.mark.threat("T44")
def test_nothing_is_installed_while_the_program_runs():
    words = ("pip", "ensurepip", "easy_install", "conda", "apt-get", "uv")
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not imported & set(words), path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("subprocess.", "os.posix_spawn")):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                assert not set(map(str, texts)) & set(words), path


@pytest.mark.threat("T44")
def test_the_packages_that_are_installed_go_together():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    if "No module named pip" in done.stderr:
        pytest.skip("this environment was made without pip")
    assert done.returncode == 0, done.stdout


@pytest.mark.threat("T44")
def test_every_package_is_pinned_to_one_version_of_the_usual_index():
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = [line.partition("#")[0].strip() for line in lines]
    named = [each for each in named if each]
    assert len(named) > 20 and [each for each in named if not re.fullmatch(r"[\w.-]+==\d[\w.]*", each)] == []
    recipe = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--trusted-host|--pre\b|curl|wget", recipe)
