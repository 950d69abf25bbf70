import json
import shutil

import gradio as gr

from finetune.models.known import known_models
from finetune.ui.method.models import describe_model, inspect_model, model_choices
from tests.hub_stub import Repo
from tests.models.damage import edit_config


def test_the_starter_comes_first_then_the_workspace_then_the_known(studio, with_tiny):
    values = [value for _, value in model_choices(studio)]
    assert values[:3] == ["starter", "teacher", "tiny"]
    assert values[3:] == [model.id for model in known_models()]


def test_a_known_model_says_its_size_license_and_that_it_must_be_downloaded(studio):
    model = known_models()[0]
    html = describe_model(studio, model.id)
    assert model.license in html and model.needs in html and "not on this machine yet" in html


def test_a_gated_model_says_so(studio):
    gated = next(model for model in known_models() if model.gated)
    assert "Accept its license" in describe_model(studio, gated.id)
    assert "accept" in next(label for label, value in model_choices(studio) if value == gated.id)


def test_the_starter_needs_no_words_and_a_typed_id_is_escaped(studio):
    assert describe_model(studio, "starter") == ""
    assert "<b>" not in describe_model(studio, "a/<b>")


def test_a_start_from_an_earlier_run_is_described_and_how_to_undo_it(studio, write_run):
    html = describe_model(studio, "starter", write_run(name="<pirate>").id)
    assert "the tuned model of run 1 “&lt;pirate&gt;”, until you clear “Run” under More settings" in html
    assert "the tuned model of run 9" in describe_model(studio, "starter", "9")


def test_a_model_that_cannot_be_trained_says_so_when_it_is_chosen(studio, with_tiny, tiny_model):
    assert describe_model(studio, "tiny") == "<p class='small'>tiny: 90.9 thousand parameters in bf16.</p>"
    shutil.copytree(tiny_model, with_tiny.models_dir / "broken")
    edit_config(with_tiny.models_dir / "broken", architectures=["Qwen2ForSequenceClassification"])
    assert "a classifier or reward model" in describe_model(studio, "broken")


def test_a_model_on_the_hub_is_described_by_what_the_hub_says(studio, serve, files):
    waiting = describe_model(studio, "me/model")
    assert "is being inspected on the Hub" in waiting
    assert inspect_model(studio, "starter") == gr.skip(), "only a model of the Hub is asked for"
    with serve(Repo(files, card={"license": "apache-2.0"})):
        html = inspect_model(studio, "me/model")
        assert html == describe_model(studio, "me/model"), "it is known from now on"
    for words in ("thousand parameters in bf16", "license apache-2.0", "the run downloads 187 kB when it starts"):
        assert words in html


def test_a_gated_model_says_what_to_do_or_that_it_may_be_read(studio, serve, files):
    with serve(Repo(files, gated="manual", refuses=(403, "GatedRepo"))):
        assert "is gated: its license must be accepted first. Accept it at" in inspect_model(studio, "me/model")
    with serve(Repo(files, gated="auto")):
        assert "It is gated, and this machine has access." in inspect_model(studio, "me/model")


def test_a_model_of_the_hub_that_cannot_be_trained_says_so_before_its_download(studio, serve, files):
    config = json.dumps(json.loads(files["config.json"]) | {"architectures": ["Qwen2ForSequenceClassification"]})
    with serve(Repo({**files, "config.json": config.encode()})):
        assert "a classifier or reward model" in inspect_model(studio, "me/model")
    with serve(Repo(error=(404, "RepoNotFound"))):
        assert "There is no model me/model on the Hub" in inspect_model(studio, "me/model")


def test_without_a_connection_the_card_says_so_and_that_the_run_inspects_it(studio):
    html = inspect_model(studio, known_models()[0].id)
    assert known_models()[0].license in html and "set to work offline" in html
    assert "could not be inspected; the run inspects it after the download" in html
