import shutil

from finetune.models.known import known_models
from finetune.ui.method.models import describe_model, model_choices
from tests.models.damage import edit_config


def test_the_starter_comes_first_then_the_workspace_then_the_known(studio, with_tiny):
    values = [value for _, value in model_choices(studio)]
    assert values[:2] == ["starter", "tiny"]
    assert values[2:] == [model.id for model in known_models()]


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
    assert describe_model(studio, "tiny") == ""
    shutil.copytree(tiny_model, with_tiny.models_dir / "broken")
    edit_config(with_tiny.models_dir / "broken", architectures=["Qwen2ForSequenceClassification"])
    assert "a classifier or reward model" in describe_model(studio, "broken")
