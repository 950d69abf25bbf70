"""Two people signed in, in two browsers: neither reads, changes or deletes what is the other's.

By the page, by every function that it calls, hidden ones among them, and by a guessed link.
"""

import json
import re

import httpx
import pytest

from finetune.runs.links import link
from finetune.runs.workspace import Workspace
from tests.browser import Visit, app, chromium

PEOPLE = {"ada": "correct horse", "ben": "battery staple", "olga": "paper clip"}
MARK = "Zanzibar-7"
"""Stands in Ada's data, and so in her run and in its answers, and nowhere else."""
OPTIONS = tuple(each for name, word in PEOPLE.items() for each in ("--auth", f"{name}:{word}")) + ("--owner", "olga")


class Program:
    """A program that is signed in and calls the functions of the page by their numbers, as a browser does."""

    def __init__(self, address: str, name: str | None, session: str = "guessed"):
        self.http = httpx.Client(base_url=address, timeout=120)
        self.session = session
        if name:
            answer = self.http.post("/login", data={"username": name, "password": PEOPLE[name]})
            assert answer.status_code == 200
        self.config = self.http.get("/config").json() if name else {}
        self.functions = {each["api_name"]: each for each in self.config.get("dependencies", [])}

    def call(self, function: str, *data, **event) -> tuple[int, str]:
        """Status and text of the answer."""
        body = {"fn_index": self.functions[function]["id"], "data": list(data), "session_hash": self.session, **event}
        answer = self.http.post("/gradio_api/run/predict", json=body)
        return answer.status_code, answer.text

    def stream(self, function: str, *data) -> str:
        """All that a queued function sends."""
        body = {"fn_index": self.functions[function]["id"], "data": list(data), "session_hash": self.session}
        joined = self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.text
        told = ""
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                told += line
                if '"process_completed"' in line or '"close_stream"' in line:
                    return told
        return told


@pytest.fixture(scope="module")
def studio(tmp_path_factory, tiny_model):
    """The address and the workspace of a studio where Ada has trained on data of hers."""
    home = tmp_path_factory.mktemp("people")
    workspace = Workspace(home)
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    data = home / "mine.jsonl"
    rows = [{"prompt": f"What is number {n}?", "completion": f"It is {MARK}, {n}."} for n in range(40)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with app(home, options=OPTIONS) as address, chromium() as browser:
        visit = Visit(browser, address)
        page = visit.sign_in("ada", PEOPLE["ada"])
        page.set_input_files("#file input[type=file]", str(data))
        page.wait_for_selector(".conversation mark.trained")
        ada = Program(address, "ada", "adas")
        uploaded = next(path for path in workspace.uploads_dir.rglob("mine.jsonl"))
        recipe = (
            f"name: {MARK}\nmodel: {{id: tiny}}\ndata: {{path: {uploaded.relative_to(home).as_posix()}}}\n"
            "training: {max_steps: 2}\nevaluation: {times: 1, score_rows: 0}"
        )
        told = ada.stream("start", recipe)
        found = re.search(r'"data":\s*\["([^"]+)"\]', told)
        assert found, told
        run_id = found[1]
        for _ in range(240):
            if workspace.run(run_id).view().state == "done":
                break
            page.wait_for_timeout(500)
        assert workspace.run(run_id).view().state == "done", workspace.run(run_id).view().message
        yield address, workspace, browser, visit, run_id, uploaded.relative_to(home).as_posix()


@pytest.mark.threat("S19", "T35")
def test_the_page_shows_each_their_own(studio):
    address, _, browser, adas, run_id, _ = studio
    adas.page.click("#tab-train-button")
    adas.page.wait_for_selector(f"#run-head:has-text('{MARK}')")
    bens = Visit(browser, address)
    page = bens.sign_in("ben", PEOPLE["ben"], "train")
    page.wait_for_timeout(2500)
    for tab in ("data", "method", "train", "compare"):
        page.click(f"#tab-{tab}-button")
        page.wait_for_timeout(600)
        assert MARK not in page.content() and run_id not in page.content()
    assert "ben" in page.inner_text(".person")
    olgas = Visit(browser, address)
    assert olgas.sign_in("olga", PEOPLE["olga"], "train").wait_for_selector(f"#run-head:has-text('{MARK}')")
    page.click(".person button")
    page.wait_for_selector("input[name=password]")
    page.goto(f"{address}/?tab=train")
    page.wait_for_selector("input[name=password]")
    assert bens.elsewhere == [] and adas.errors == []
    bens.close()
    olgas.close()


@pytest.mark.threat("S19", "T35", "T3")
def test_every_function_of_the_page_called_with_a_guessed_run_gives_nothing_away(studio):
    """Each function gets the run's id, or Ada's upload, in place of every input in turn; nothing of hers comes back."""
    address, workspace, _, _, run_id, path = studio
    ben = Program(address, "ben", "bens")
    before = snapshot(workspace)
    looked = 0
    for name, function in ben.functions.items():
        if not function["backend_fn"] or name in ("warm",):
            continue
        count = len(function["inputs"])
        for guess in (run_id, f"delete:{run_id}") if count <= 6 else (run_id,):
            values = [guess] * count if count <= 3 else [guess, *[None] * (count - 1)]
            print(name, flush=True)
            status, told = ben.call(name, *values, event_data={"pick": guess, "index": 0, "value": guess})
            looked += status == 200
            # A field that was sent may be sent back; what nobody sent is Ada's.
            assert MARK not in told, f"{name} tells {told[:500]}"
    assert looked > 50 and snapshot(workspace) == before


@pytest.mark.threat("S19")
@pytest.mark.parametrize("function", ["status", "stop", "pause", "resume", "compare"])
def test_the_endpoints_know_no_run_of_another(studio, function):
    address, _, _, _, run_id, _ = studio
    more = ("Hello", 7, 8, True, None) if function == "compare" else ()
    assert "There is no run" in Program(address, "ben", f"b{function}").stream(function, run_id, *more)
    assert "There is no run" not in Program(address, "olga", f"o{function}").stream("status", run_id)


@pytest.mark.threat("S19", "T3")
def test_a_recipe_reads_no_data_and_no_model_of_another(studio):
    address, workspace, _, _, run_id, path = studio
    ben = Program(address, "ben", "breads")
    for recipe in (
        f"model: {{id: tiny}}\ndata: {{path: {path}}}",
        f"model: {{id: tiny}}\ndata: {{path: {workspace.path}/{path}}}",
        f"model: {{id: tiny, run: '{run_id}'}}\ndata: {{path: assets/samples/pirate-voice.jsonl}}",
        f"model: {{id: tiny}}\ndata: {{path: assets/samples/pirate-voice.jsonl, replay: {path}}}",
        f"model: {{id: tiny}}\ndata: {{path: assets/samples/pirate-voice.jsonl, held_out: {path}}}",
    ):
        told = ben.stream("start", recipe)
        assert "There is no" in told and MARK not in told
    assert len(workspace.runs()) == 1


@pytest.mark.threat("S19", "T3")
def test_a_session_and_a_download_of_another_are_closed(studio):
    address, _, _, _, _, _ = studio
    ada, ben = Program(address, "ada", "hers"), Program(address, "ben", "hers")
    assert ada.call("to_method")[0] == 200
    assert ben.call("to_method")[0] == 403
    assert ben.http.get("/gradio_api/queue/data", params={"session_hash": "hers"}).status_code == 403
    assert ben.http.get("/download/guessed/mine.zip").status_code == 404


@pytest.mark.threat("T35", "S19")
def test_without_a_sign_in_nothing_answers(studio):
    address, workspace, _, _, run_id, _ = studio
    nobody = Program(address, None)
    before = snapshot(workspace)
    for number in range(0, 400, 7):
        body = {"fn_index": number, "data": [run_id], "session_hash": "x"}
        assert nobody.http.post("/gradio_api/run/predict", json=body).status_code == 401
        assert nobody.http.post("/gradio_api/queue/join", json=body).status_code == 401
    for path in ("/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=adas", f"/download/x/{run_id}"):
        assert nobody.http.get(path).status_code == 401
    assert snapshot(workspace) == before


@pytest.mark.threat("S19", "T35")
def test_a_link_opens_what_it_is_for_and_nothing_else(studio):
    address, workspace, browser, _, run_id, _ = studio
    run = workspace.run(run_id)
    guest = Visit(browser, address)
    page = guest.page
    page.goto(f"{address}/vote?key={link(run, 'vote')}")
    page.wait_for_selector("#vote-notice:has-text('There is no blind test here at the moment.')")
    page.goto(f"{address}/report/{link(run, 'report')}")
    assert MARK in page.inner_text("main")
    for path in ("/", "/?tab=train"):
        page.goto(f"{address}{path}")
        page.wait_for_selector("input[name=password]")
    page.goto(f"{address}/vote?key=guessed")
    page.wait_for_selector("#vote-notice:has-text('This link is not valid.')")
    assert [each for each in guest.errors if "40" not in each] == []
    guest.close()


def snapshot(workspace: Workspace) -> dict[str, int]:
    """Every file of the workspace's runs and uploads, with its size."""
    return {
        str(path.relative_to(workspace.path)): path.stat().st_size
        for folder in (workspace.runs_dir, workspace.uploads_dir)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
