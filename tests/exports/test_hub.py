"""Pushes of a run to a stand-in of the Hub: what arrives loads by its name, and nothing is overwritten or told."""

import logging
import threading
from functools import partial
from importlib.util import find_spec

import pytest
from huggingface_hub import ModelCard

from finetune.errors import FinetuneError, RecipeError, RunError, UnreachableError
from finetune.exports import TARGETS, parity
from finetune.exports.handover import Handover
from finetune.exports.hub import HubOptions, repo_of
from finetune.exports.target import Work
from finetune.models import remote
from finetune.models.hub import share_token
from finetune.recipe import Recipe
from finetune.runs.events import Ended
from tests.hub_stub import Repo
from tests.hub_stub import hub as other_hub
from tests.hub_writing import Fault

TARGET = TARGETS["hub"]


@pytest.fixture
def push(finished, workspace, tmp_path):
    def push(run=finished, work=Work(), to="out", **options):
        return TARGET.write(run, workspace, tmp_path / to, HubOptions(**options), work)

    return push


def arrived(hub, repo="ada/pirate-voice") -> dict[str, bytes]:
    return {name: content for name, content in hub.repos[repo].files.items() if name != ".gitattributes"}


def in_folder(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_private_in_the_own_account_and_called_as_the_run(hub, push, finished):
    done = push()
    assert hub.created == [{"name": "pirate-voice", "organization": "ada", "visibility": "private"}]
    assert done.address == f"{hub.url}/ada/pirate-voice" and arrived(hub) == in_folder(done.path)
    assert set(arrived(hub)) == {"README.md", "recipe.yaml", "adapter_config.json", "adapter_model.safetensors"}
    assert "Pushed as ada to ada/pirate-voice." in done.note and "No row of the data is there" in done.note
    assert hub.validated == [(done.path / "README.md").read_text()]
    assert 'PeftModel.from_pretrained(base, "ada/pirate-voice")' in hub.validated[0]
    load, download = TARGET.steps(finished, done)
    assert '"ada/pirate-voice"' in load.commands and download.commands == "hf download ada/pirate-voice"


def test_a_name_is_taken_as_it_is_given_and_public_only_if_said(hub, push):
    assert push(repo="mine", private=False).address.endswith("/ada/mine")
    assert hub.created[0]["visibility"] == "public"
    with pytest.raises(RunError, match="may not write") as caught:
        push(repo="ben/mine", to="second")
    assert "ben/mine" in str(caught.value) and "ben/mine" not in hub.repos


@pytest.mark.parametrize("name", ["a..b", "a--b", ".a", "x.git", "a."])
def test_a_name_that_no_repository_can_have_is_refused(finished, name):
    with pytest.raises(RecipeError, match="can be called"):
        repo_of(name, "ada", finished)
    with pytest.raises(ValueError):
        HubOptions(repo="a/b/c")


@pytest.mark.threat("T32")
def test_the_token_of_a_visitor_is_used_in_place_of_the_machines(hub, push):
    ben = "hf_" + "BensOwnToken0123456789ab"
    assert "Pushed as ben to ben/pirate-voice." in push(work=Work(token=ben)).note
    assert {token for _, address, token in hub.asked if "/storage/" not in address} == {f"Bearer {ben}"}


def test_a_repository_with_other_files_is_left_as_it_is_unless_it_is_to_be_replaced(hub, push, tmp_path):
    hub.create("ada/pirate-voice", **{"model.bin": b"theirs", "README.md": b"mine"})
    before = dict(hub.repos["ada/pirate-voice"].files)
    with pytest.raises(RunError, match="other files already") as caught:
        push()
    assert "replace=true" in caught.value.hint and hub.repos["ada/pirate-voice"].files == before
    assert not any(method == "PUT" for method, *_ in hub.asked) and not (tmp_path / "out").exists()
    done = push(replace=True)
    assert arrived(hub) == in_folder(done.path)


def test_the_same_once_more_changes_nothing_and_another_card_is_asked_about(hub, push):
    push()
    push(to="again")
    assert len(hub.repos["ada/pirate-voice"].commits) == 2
    hub.repos["ada/pirate-voice"].put({**hub.repos["ada/pirate-voice"].files, "README.md": b"written by a person"})
    with pytest.raises(RunError, match="README.md"):
        push(to="third")
    assert arrived(hub)["README.md"] == b"written by a person"


def test_what_is_private_is_not_sent_to_a_public_repository(hub, push):
    hub.create("ada/pirate-voice", private=False)
    with pytest.raises(RunError, match="is public"):
        push()
    assert "was private" not in push(private=False).note
    hub.create("ada/other", private=True)
    assert "ada/other was private before, and stays so." in push(repo="other", private=False, to="other").note


def test_a_license_that_restricts_and_one_that_is_not_known_are_said(hub, push, workspace, finished):
    folder = workspace.models_dir / "theirs"
    folder.mkdir()
    finished.path.joinpath("recipe.yaml").write_text(
        finished.recipe.changed(**{"model.id": "theirs"}).to_yaml(full=True)
    )
    assert "not known here" not in push().note
    note = push(repo="a", private=False, to="a").note
    assert "The license of the base is not known here" in note
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    assert "forbids commercial use" in push(repo="b", to="b").note


def test_a_gated_base_is_said_of_a_public_model(hub, push, finished, monkeypatch):
    finished.path.joinpath("recipe.yaml").write_text(
        finished.recipe.changed(**{"model.id": "me/model"}).to_yaml(full=True)
    )
    for gated, words in (("manual", "The base is gated"), (False, "")):
        with other_hub(me__model=Repo({"config.json": b"{}"}, gated=gated)) as theirs:
            there = hub.repos.get("me/model")
            monkeypatch.setattr("finetune.exports.hub.look_up", partial(looked_up, theirs, monkeypatch, hub))
            remote.forget()
            note = push(repo=f"r{bool(gated)}", private=False, to=str(gated)).note
            assert (words in note) and ("gated" in note) == bool(gated) and there is None
    with monkeypatch.context() as patched:
        patched.setattr("finetune.exports.hub.recent", lambda model: None)
        patched.setattr("finetune.exports.hub.look_up", unreachable)
        assert "could not be looked up" in push(repo="n", private=False, to="n").note


def looked_up(theirs, monkeypatch, hub, model):
    with monkeypatch.context() as patched:
        patched.setattr("huggingface_hub.constants.ENDPOINT", theirs.url)
        return remote.look_up(model)


def unreachable(model):
    raise UnreachableError("no")


def test_the_recipe_goes_without_folders_of_this_machine(hub, workspace, push):
    run = workspace.create(
        Recipe.from_dict(
            {
                "name": "secret project",
                "data": {
                    "path": "/home/ada/rows.jsonl",
                    "system": "You are a pirate of Ada.",
                    "mix": [{"path": "C:\\Users\\ada\\more.jsonl", "weight": 0.5}],
                },
            }
        )
    )
    run.model_dir.mkdir()
    (run.model_dir / "adapter_config.json").write_text("{}")
    (run.model_dir / "adapter_model.safetensors").write_bytes(b"weights")
    run.emit(Ended(state="done"))
    done = push(run)
    everything = b"".join(arrived(hub, "ada/secret-project").values()).decode()
    assert "/home" not in everything and "Users" not in everything and "rows.jsonl" in everything
    assert "what was written in it (data.system)" in done.note
    assert Recipe.from_yaml(arrived(hub, "ada/secret-project")["recipe.yaml"].decode()).name == "secret project"


def test_a_push_that_fails_leaves_no_folder_and_no_commit(hub, push, tmp_path):
    hub.spoils = ".safetensors"
    with pytest.raises(RunError, match="not what was sent"):
        push()
    assert list((tmp_path / "out").iterdir()) == []
    hub.spoils, hub.faults = "", [Fault("POST .*commit", times=1000)]
    with pytest.raises(UnreachableError):
        push(repo="second")
    assert arrived(hub, "ada/second") == {}


def test_offline_without_a_login_and_on_an_open_page_it_is_refused_in_words(hub, push, monkeypatch):
    share_token(False)
    try:
        with pytest.raises(RunError, match="used for nobody else"):
            push()
    finally:
        share_token(True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RunError, match="HF_HUB_OFFLINE"):
        push()
    assert hub.asked == []


def test_a_handover_that_was_killed_in_the_middle_sends_only_what_is_missing(hub, finished, workspace):
    (finished.model_dir / "b.safetensors").write_bytes(b"more weights")
    handover = Handover(finished, TARGET).ask(HubOptions(repo="ada/x"))
    hub.faults = [Fault("PUT /storage", skip=1, times=1000)]

    class Killed(BaseException):
        pass

    def report(what, share):
        if "waiting" in what:
            raise Killed

    with pytest.raises(Killed):
        handover.put(workspace, Work(report))
    first = [path for path, _ in hub.received]
    assert len(first) == 1 and handover.is_asked and arrived(hub, "ada/x") == {}
    hub.faults, hub.received = [], []
    handover.put(workspace, Work())
    assert len(hub.received) == 1 and first[0] not in [path for path, _ in hub.received]
    assert arrived(hub, "ada/x") == in_folder(handover.exported.path)
    assert handover.written.address == f"{hub.url}/ada/x"


@pytest.mark.threat("T33")
def test_the_token_is_nowhere(hub, finished, workspace, tmp_path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    for n, fault in enumerate(
        [None, Fault("POST .*batch", 403), Fault("POST .*commit", 500, times=99), Fault("whoami")]
    ):
        hub.faults = [fault] if fault else []
        handover = Handover(finished, TARGET).ask(HubOptions(repo=f"x{n}"))
        try:
            handover.put(workspace, Work(handover.report, token=hub.token))
            said.append(repr(handover.exported))
        except FinetuneError as error:
            handover.fail(error)
            said += [str(error), repr(error)]
    captured = capsys.readouterr()
    said += [captured.out, captured.err, caplog.text, repr(Work(token=hub.token))]
    assert len(said) == 11 and not [text for text in said if hub.token in text]
    folders = (workspace.path, tmp_path)
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(found) > 10 and not [path for path in found if hub.token.encode() in path.read_bytes()]
    assert any(hub.token in (token or "") for *_, token in hub.asked)


@pytest.mark.parametrize(
    ("adapter", "what"),
    [
        ("lora", "adapter"),
        ("lora", "merged"),
        ("full", "merged"),
        pytest.param("full", "adapter", marks=pytest.mark.heavy),
    ],
)
def test_what_arrived_loads_by_its_name_with_plain_libraries(
    hub, trained, with_tiny, tiny_model, tmp_path, adapter, what
):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run = trained(adapter=adapter, **{"training.max_steps": 2, "evaluation.times": 0, "training.precision": "fp32"})
    done = TARGET.write(run, with_tiny, tmp_path / "out", HubOptions(repo="ada/tuned", what=what))
    ids = torch.tensor([[5, 6, 7, 8]])
    if adapter == "lora" and what == "adapter":
        base = AutoModelForCausalLM.from_pretrained(tiny_model)
        loaded = PeftModel.from_pretrained(base, "ada/tuned", token=hub.token)
        expected = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), run.model_dir)
    else:
        loaded = AutoModelForCausalLM.from_pretrained("ada/tuned", token=hub.token)
        expected = AutoModelForCausalLM.from_pretrained(done.path)
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, expected(ids).logits)
    tokenizer = AutoTokenizer.from_pretrained("ada/tuned", token=hub.token)
    own = AutoTokenizer.from_pretrained(run.model_dir)
    asked = [{"role": "user", "content": "Hi"}]
    assert tokenizer.apply_chat_template(asked, tokenize=False) == own.apply_chat_template(asked, tokenize=False)
    data = ModelCard.load("ada/tuned", token=hub.token).data
    assert data.library_name == ("peft" if (adapter, what) == ("lora", "adapter") else "transformers")
    if what == "adapter":
        assert parity.check(TARGET, run, with_tiny, done.path, HubOptions(repo="ada/tuned", what=what)).passes


def test_a_gguf_file_is_sent_with_the_card_of_its_repository(hub, trained, with_tiny, tmp_path):
    run = trained(**{"training.max_steps": 2, "evaluation.times": 0, "training.precision": "fp32"})
    options = HubOptions(repo="ada/tuned", what="gguf")
    done = TARGET.write(run, with_tiny, tmp_path / "out", options)
    assert arrived(hub, "ada/tuned") == in_folder(done.path) and "Modelfile" in arrived(hub, "ada/tuned")
    data = ModelCard.load("ada/tuned", token=hub.token).data
    assert data.library_name == "gguf" and "ollama run hf.co/ada/tuned" in hub.validated[0]
    assert TARGET.steps(run, done)[0].commands == "ollama run hf.co/ada/tuned"
    if find_spec("llama_cpp"):  # Transformers does not open a vocabulary like that of the tiny model
        assert parity.check(TARGET, run, with_tiny, done.path, options).passes


def test_it_ends_while_files_are_sent(hub, finished, workspace, tmp_path):
    from finetune.runs.job import Stopped

    stops = threading.Event()
    work = Work(lambda what, share: stops.set() if what.startswith("uploading") else None, stops.is_set)
    with pytest.raises(Stopped):
        TARGET.write(finished, workspace, tmp_path / "out", HubOptions(), work)
    assert arrived(hub) == {} and list((tmp_path / "out").iterdir()) == []
