"""What a person learns of a model on a stub of the Hub before its download, and that nobody waits long for it."""

import json
import time

import pytest

from finetune.errors import ModelError
from finetune.models import preview as ours
from finetune.models.preview import inspect_before_run, known, preview
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo

MODEL = ModelSettings(id="me/model")
WEIGHTS = "model.safetensors"


def test_a_model_on_the_hub_is_inspected_as_one_on_this_machine(serve, files, tiny_model, workspace):
    from finetune.models.inspection import inspect

    repo = Repo(files, card={"license": "apache-2.0"})
    with serve(repo) as hub:
        found = preview(MODEL)
        asked = len(hub.asked)
        assert preview(MODEL) is found is known(MODEL) and len(hub.asked) == asked, "it is asked once"
    assert found.inspection == inspect(tiny_model, "tiny") and found.problem is None
    assert (found.remote.license, found.remote.is_gated) == ("apache-2.0", False)
    assert found.inspection.weights.bytes == len(files[WEIGHTS])


@pytest.mark.parametrize(
    "change, words",
    [
        ({"architectures": ["Qwen2ForSequenceClassification"]}, "a classifier or reward model"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "an encoder (bert)"),
        ({"model_type": "unheard-of"}, "does not know the architecture “unheard-of”"),
        ({"num_hidden_layers": 3, "layer_types": None}, "is missing in its files, such as model.layers.2."),
        ({"intermediate_size": 96}, "another shape than its config.json says"),
        ({"num_hidden_layers": 200_000}, "claims num_hidden_layers = 200,000"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "quantized (gptq)"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_weight_is_downloaded(serve, files, workspace, change, words):
    config = json.dumps(json.loads(files["config.json"]) | change).encode()
    with serve(Repo({**files, "config.json": config})) as hub:
        with pytest.raises(ModelError) as caught:
            inspect_before_run(MODEL, workspace)
    assert words in caught.value.message and preview_is_small(hub, files)


def preview_is_small(hub, files):
    return hub.bytes_of(WEIGHTS) <= 100_000 < len(files[WEIGHTS])


@pytest.mark.parametrize(
    "lost, instead, words",
    [
        (WEIGHTS, {"pytorch_model.bin": b"x"}, "has no safetensors weights"),
        ("config.json", {"q4_k_m.gguf": b"x"}, "is a GGUF file"),
        ("config.json", {"adapter_config.json": b'{"base_model_name_or_path": "a/b"}'}, "is an adapter for a/b"),
        ("config.json", {}, "has no readable config.json"),
        ("tokenizer.json", {}, "has no tokenizer"),
    ],
)
def test_what_is_no_model_in_safetensors_is_refused(serve, files, workspace, lost, instead, words):
    there = {name: each for name, each in files.items() if name != lost} | instead
    with serve(Repo(there)), pytest.raises(ModelError) as caught:
        inspect_before_run(MODEL, workspace)
    assert words in caught.value.message


def test_a_gated_model_is_told_with_what_to_do_and_its_license(serve, files, workspace):
    repo = Repo(
        files, card={"license": "other", "license_name": "llama3.2"}, gated="manual", refuses=(403, "GatedRepo")
    )
    with serve(repo):
        found = preview(MODEL)
        with pytest.raises(ModelError, match="me/model is gated"):
            inspect_before_run(MODEL, workspace)
    assert found.is_refused and found.remote.is_gated and found.remote.license == "llama3.2"
    assert "huggingface.co/me/model" in found.problem.hint


def test_a_hub_that_is_away_or_slow_is_nothing_against_the_model(serve, files, workspace, monkeypatch):
    assert not preview(MODEL).is_refused and inspect_before_run(MODEL, workspace) is None
    with serve(Repo(files)) as hub:
        hub.is_down = True
        found = preview(MODEL)
        assert not found.is_refused and "cannot be reached" in found.problem.message
    with serve(Repo(files, pause_s=0.5)):
        began = time.monotonic()
        found = preview(MODEL, patience_s=0.2)
        assert time.monotonic() - began < 2.5 and "takes long to answer" in found.problem.message
        assert known(MODEL) is None
        assert preview(MODEL).inspection and known(MODEL).inspection, "it is there later"


def test_a_hub_that_was_away_is_asked_again_soon(serve, files, monkeypatch):
    monkeypatch.setattr(ours, "UNREACHABLE_KEPT_S", 0.0)
    with serve(Repo(files)) as hub:
        hub.is_down = True
        assert preview(MODEL).problem
        hub.is_down = False
        assert preview(MODEL).inspection


def test_a_model_on_this_machine_needs_no_hub(with_tiny):
    assert inspect_before_run(ModelSettings(id="tiny"), with_tiny).architecture.type == "qwen2"
    with pytest.raises(ModelError, match="There is no model"):
        inspect_before_run(ModelSettings(id="nothing"), with_tiny)


@pytest.mark.parametrize("model_id", ["me/se--t", "me/model.git", "me/model-", f"me/{'x' * 120}"])
def test_an_id_that_no_model_can_have_is_told(serve, files, workspace, model_id):
    with serve(Repo(files)), pytest.raises(ModelError) as caught:
        inspect_before_run(ModelSettings(id=model_id), workspace)
    assert f"There is no model {model_id} on the Hub" in caught.value.message


LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.threat("T26")
@pytest.mark.parametrize("place", ["here", "hub"])
@pytest.mark.parametrize("when", ["{% if true %}", "{% if tools %}", "{% if messages | length > 50 %}"])
def test_a_model_whose_chat_template_never_ends_is_refused_before_a_run(serve, files, workspace, tmp_path, place, when):
    template = f"{when}{LOOP}{{% endif %}}{{{{ messages }}}}".encode()
    model = {**files, "chat_template.jinja": template}
    if place == "here":
        (workspace.models_dir / "model").mkdir()
        for name, content in model.items():
            (workspace.models_dir / "model" / name).write_bytes(content)
    settings = ModelSettings(id="model" if place == "here" else "me/model")
    with serve(Repo(model)):
        with pytest.raises(ModelError, match="chat template takes more than 2 seconds"):
            inspect_before_run(settings, workspace)
        assert inspect_before_run(settings.model_copy(update={"chat_template": "chatml"}), workspace)
