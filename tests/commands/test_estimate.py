import json

import pytest

from tests.hub_stub import Repo


def test_a_recipe_is_estimated(command, recipe_file):
    code, out, _ = command("fit", recipe_file, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["fits"] and facts["trainable"] < facts["parameters"]
    assert facts["change"] == {} and facts["measured_bytes"] is None and facts["gpus"]["8 GB"] == "fits"


def test_the_estimate_is_a_sentence_and_one_for_usual_gpus(command, recipe_file):
    code, out, error = command("fit", recipe_file)
    sentence, gpus = out.splitlines()
    assert code == 0 and sentence.endswith(".") and gpus.startswith("On a GPU of 8 GB: fits") and error == ""


def test_what_would_make_it_fit_is_printed_as_options(command, recipe_file, monkeypatch):
    monkeypatch.setattr("finetune.fit.estimate.BUFFERS_BYTES", 0)
    needed = json.loads(command("fit", recipe_file, "--json")[1])["estimate_bytes"]
    monkeypatch.setattr("finetune.machine.hardware.free_bytes", lambda machine: needed)
    code, out, _ = command("fit", recipe_file)
    (line,) = [line.strip() for line in out.splitlines() if "--set" in line]
    assert code == 0 and line.startswith("--set training.accumulation=")
    assert json.loads(command("fit", recipe_file, "--json", *line.split())[1])["fits"]


def test_a_step_is_measured_on_request(command, recipe_file):
    code, out, _ = command("fit", recipe_file, "--measure", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["measured_bytes"] > 10**7 and 0 < facts["seconds_per_step"] < facts["eta_s"]


def test_a_model_on_the_hub_is_estimated_without_its_weights_and_not_measured(
    command, recipe_file, serve, files, with_tiny
):
    local = json.loads(command("fit", recipe_file, "--json")[1])
    away = ("--set", "model.id=me/model", "--json")
    with serve(Repo(files)) as hub:
        code, out, _ = command("fit", recipe_file, *away)
        assert code == 0 and json.loads(out)["estimate_bytes"] == pytest.approx(local["estimate_bytes"], rel=0.01)
        assert json.loads(out)["parameters"] == local["parameters"] and json.loads(out)["eta_s"]
        code, _, error = command("fit", recipe_file, *away, "--measure")
        assert code == 2 and "me/model is not on this machine yet" in error and "hf download me/model" in error
        assert hub.bytes_of("model.safetensors") < len(files["model.safetensors"])
    code, out, _ = command("fit", recipe_file, *away[:2])
    assert code == 0 and "once the model is inspected. me/model could not be looked up on the Hub" in out
