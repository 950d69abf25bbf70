"""The owner's token on the Hub: what a page that is open to others asks without it, and what it does not give away."""

import ast
import os
import subprocess
import sys

import pytest

from finetune.errors import ModelError
from finetune.models import hub
from finetune.models.download import find_cached, obtain
from finetune.models.locate import described, downloaded, load_config, locate
from finetune.models.preview import inspect_before_run
from finetune.models.tokenizer import load_tokenizer
from finetune.paths import PROJECT
from finetune.recipe import ModelSettings
from tests.hub_stub import SHA, Repo

MODEL = ModelSettings(id="me/model")
OWNER = "Bearer hf_of_the_owner"
CLIENT = {"HfApi", "hf_hub_download", "get_hf_file_metadata", "build_hf_headers", "snapshot_download", "model_info"}
"""Functions of the Hub's client that send a token unless they are told not to."""


@pytest.fixture
def token(serve, monkeypatch):
    """The machine has a token; afterwards the process may use it again."""
    monkeypatch.setenv("HF_TOKEN", OWNER.removeprefix("Bearer "))
    yield
    hub.share_token(True)


def tokens(running) -> set:
    return {each for *_, each in running.asked}


@pytest.mark.threat("T32")
@pytest.mark.parametrize("names_only", [False, True])
@pytest.mark.parametrize(
    "use", [locate, described, load_config, load_tokenizer, inspect_before_run, lambda settings, _: obtain(settings)]
)
def test_without_the_token_no_request_for_a_model_has_it(serve, files, token, workspace, use, names_only):
    hub.share_token(False)
    with serve(Repo(files, lists_names_only=names_only)) as running:
        use(MODEL, workspace)
    assert running.asked and tokens(running) == {None}


def test_the_owner_may_use_the_token(serve, files, token):
    with serve(Repo(files, opens_to=OWNER)) as running:
        assert obtain(MODEL) == find_cached(MODEL)
    assert OWNER in tokens(running)


@pytest.mark.threat("T32")
@pytest.mark.parametrize("revision", [None, "main", SHA])
@pytest.mark.parametrize("secret", [{"opens_to": OWNER}, {"gated": "manual"}])
def test_what_the_owner_downloaded_with_the_token_is_not_given_to_others(
    serve, files, token, workspace, secret, revision
):
    settings = ModelSettings(id="me/model", revision=revision)
    with serve(Repo(files, **secret)):
        obtain(settings)
    hub.share_token(False)
    with serve(Repo(files, **secret)) as running:
        assert downloaded(settings, workspace) is None
        for use in (locate, described, load_tokenizer, inspect_before_run):
            with pytest.raises(ModelError, match="gated|private"):
                use(settings, workspace)
        running.is_down = True
        with pytest.raises(ModelError):
            locate(settings, workspace)
    assert tokens(running) == {None}


@pytest.mark.threat("T32")
def test_a_model_that_became_private_is_refused_to_others_from_then_on(serve, files, token):
    with serve(Repo(files)):
        obtain(MODEL)
    hub.share_token(False)
    with serve(Repo(files, opens_to=OWNER)), pytest.raises(ModelError, match="private"):
        obtain(MODEL)


def test_a_public_model_that_is_here_is_read_without_token_and_network(serve, files, token):
    with serve(Repo(files)):
        folder = obtain(MODEL)
    hub.share_token(False)
    with serve(Repo(files)) as running:
        running.is_down = True
        assert obtain(MODEL) == folder == find_cached(MODEL)


@pytest.mark.threat("T32")
def test_processes_that_are_started_do_not_have_the_token_either(token):
    hub.share_token(False)
    source = (
        "from huggingface_hub.utils import build_hf_headers; from finetune.models import hub;"
        "print(build_hf_headers().get('authorization'), hub.token())"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]


@pytest.mark.threat("T32")
def test_other_libraries_do_not_send_it_either(token):
    from huggingface_hub.utils import build_hf_headers

    assert build_hf_headers()["authorization"] == OWNER
    hub.share_token(False)
    assert "authorization" not in build_hf_headers()


def test_an_owner_who_switched_the_token_off_is_not_overruled(token, monkeypatch):
    monkeypatch.setattr(hub, "AS_FOUND", "1")
    hub.share_token(True)
    assert hub.token() is False
    monkeypatch.undo()


def test_to_switch_it_costs_no_import():
    source = "import sys; from finetune.models.hub import share_token; share_token(False);"
    done = subprocess.run(
        [sys.executable, "-c", source + "print('huggingface_hub' in sys.modules)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


@pytest.mark.threat("T32")
def test_whoever_calls_the_client_of_the_hub_says_whose_token_it_sends():
    silent = []
    for path in sorted((PROJECT / "finetune").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = {keyword.arg for keyword in node.keywords}
            is_method = isinstance(node.func, ast.Attribute)  # of an HfApi, which was given it
            is_partial = name == "partial" and getattr(node.args[0], "id", "") in CLIENT
            if (name in CLIENT and not is_method or is_partial) and "token" not in given:
                silent.append(f"{path.name}:{node.lineno}")
    assert not silent
