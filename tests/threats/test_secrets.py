"""Tokens in the environment stay there: no file, no answer, no line in a terminal has one. What is in data stays."""

import json
import os
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from gradio_client import Client, handle_file

from finetune.paths import PROJECT
from tests.browser import app
from tests.pace import wait_for

CANARY = "Canary7F3a"
ENVIRONMENT = {
    "HF_TOKEN": f"hf_{CANARY}0123456789abcdefghij",
    "HUGGING_FACE_HUB_TOKEN": f"hf_{CANARY}1123456789abcdefghij",
    "FINETUNE_JUDGE_KEY": f"sk-{CANARY}2123456789abcdefghij",
    "OPENAI_API_KEY": f"sk-{CANARY}3123456789abcdefghij",
    "WANDB_API_KEY": f"{CANARY}4123456789abcdef0123456789abcdef",
    "DB_PASSWORD": f"{CANARY}5-correct-horse",
    "FINETUNE_NOTIFY_URL": f"http://127.0.0.1:9/hooks/{CANARY}6123456789abcdef",
}
IN_DATA = "hf_DataTokenThatIsTheirOwn0123456789"
RECIPE = """
name: {name}
model: {{id: {model}}}
data: {{path: {data}}}
method: {method}
training: {{max_steps: 2, batch_size: 2, length: 200}}
evaluation: {{times: 1, max_tokens: 4, score_rows: 2}}
"""
JUDGED = "{type: grpo, rewards: [{type: judge, model: big, endpoint: 'http://127.0.0.1:9/v1'}]}"


def get(address: str, body: object = None) -> str:
    """Headers and body of an answer, whatever its status."""
    data = None if body is None else json.dumps(body).encode()
    try:
        found = urlopen(Request(address, data, {"Content-Type": "application/json"}), timeout=300)
    except HTTPError as error:
        found = error
    return f"{found.headers}\n{found.read().decode('utf-8', 'replace')}"


def call(address: str, endpoint: str, *values: object) -> str:
    """The events that a public endpoint answers with."""
    joined = get(f"{address}/gradio_api/call/{endpoint}", {"data": values})
    event = json.loads(joined.splitlines()[-1]).get("event_id")
    return joined + get(f"{address}/gradio_api/call/{endpoint}/{event}")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"Question {n}?", "completion": f"Answer {n}: {IN_DATA}"} for n in range(30)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def broken(with_tiny, tiny_model):
    """A model whose weights are damaged, in the workspace as ``broken``."""
    folder = with_tiny.models_dir / "broken"
    folder.mkdir()
    for path in tiny_model.iterdir():
        content = path.read_bytes()
        (folder / path.name).write_bytes(content[:200] if path.suffix == ".safetensors" else content)
    return with_tiny


def held(folder) -> dict[str, bytes]:
    """Every file under ``folder`` with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_nothing_leaks(text: str, *folders) -> None:
    assert CANARY not in text
    assert [path for folder in folders for path, content in held(folder).items() if CANARY.encode() in content] == []


PAGES = [
    "/",
    "/config",
    "/vote?key=x",
    "/report/x",
    "/gradio_api/info",
    "/theme.css",
    "/gradio_api/openapi.json",
    "/monitoring",
    "/logout",
]
RUNS = (("good", "tiny", "{type: sft}"), ("bad", "broken", "{type: sft}"), ("judged", "tiny", JUDGED))


@pytest.mark.threat("T33", "T34")
@pytest.mark.timeout(600)
def test_the_page_and_its_endpoints_tell_no_token(broken, data, capsys):
    key = f"https://me:{CANARY}@x.example/v1"
    with app(broken.path, "app.py", **ENVIRONMENT) as address:
        pages = [get(f"{address}{path}") for path in PAGES]
        checked = Client(address, verbose=False).predict(handle_file(data), "tiny", 200, api_name="/check")
        said = [json.dumps(checked)]
        for name, model, method in RUNS:
            recipe = RECIPE.format(name=name, model=model, data=checked["data"], method=method)
            said.append(call(address, "start", recipe))
        wait_for(lambda: broken.runs() and all(run.view().ended_at for run in broken.runs()))
        said += [call(address, "status", run.id) for run in broken.runs()]
        said.append(call(address, "compare", "1", "Hello?", 7, 4, True, None))
        for text in (
            RECIPE.format(name=key, model="tiny", data=checked["data"], method="{type: sft}"),
            "a: [",
            "nothing",
        ):
            said.append(call(address, "start", text))
    states = {run.view().name: run.view().state for run in broken.runs()}
    assert states["good"] == "done" and states.get("bad", "failed") == "failed", states
    # What a visitor sent himself may come back to him; it is in no file.
    assert_nothing_leaks("\n".join([*pages, *said, capsys.readouterr().out]).replace(key, ""), broken.path)
    of_this_machine = (str(broken.path), os.path.expanduser("~"), "site-packages", str(PROJECT))
    assert [each for each in of_this_machine if any(each in answer for answer in said)] == []


@pytest.mark.threat("T33")
@pytest.mark.timeout(900)
def test_the_command_line_and_all_that_it_writes_tell_no_token(broken, data, tmp_path, command, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    said, out = [], tmp_path / "out"
    out.mkdir()
    for name, model in (("good", "tiny"), ("bad", "broken")):
        recipe = tmp_path / f"{name}.yaml"
        recipe.write_text(RECIPE.format(name=name, model=model, data=data, method="{type: sft}"))
        said.append(command("train", recipe))
    assert "done" in said[0][1]
    for words in ("runs", "show 1", "show 2", "show nothing", f"check {data} --model tiny", "compare 1 2",
                  "chat 1 --prompt Hello --max-tokens 4", f"report 1 --to {out / 'report.html'}"):  # fmt: skip
        said += [command(*words.split()), command(*words.split(), "--json")]
    for form in ("adapter", "merged", "script"):
        said.append(command("export", 1, "--as", form, "--to", out / form))
        assert said[-1][0] == 0, said[-1]
    assert_nothing_leaks(repr(said), broken.path, out)
    assert any(IN_DATA.encode() in content for content in held(tmp_path).values()), "what is in data stays"


@pytest.mark.threat("T33")
def test_a_traceback_on_the_command_line_tells_no_token(tmp_path):
    code = (
        "import sys\nfrom finetune import __main__\n"
        "def fail(*_):\n    raise KeyError('x ' + __import__('os').environ['OPENAI_API_KEY'])\n"
        "__main__.runs.list_runs.__code__ = fail.__code__\nsys.exit(__main__.main(['runs']))"
    )
    environment = {**os.environ, **ENVIRONMENT, "FINETUNE_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode and CANARY not in done.stdout + done.stderr and "KeyError" in done.stderr
