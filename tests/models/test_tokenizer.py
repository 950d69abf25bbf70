import json
import shutil

import pytest

from finetune.errors import ModelError
from finetune.models.tokenizer import TRIED, load_tokenizer
from finetune.recipe import ModelSettings

FORMS = {"packed": {}, "padded": {"training.packing": False}, "dpo": {"method.type": "dpo"}}


def test_a_tokenizer_without_a_padding_token_pads_with_its_end_token(broken, with_tiny):
    path = broken / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["pad_token"] = None
    path.write_text(json.dumps(config))
    tokenizer = load_tokenizer(ModelSettings(id="broken"), with_tiny)
    assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"


@pytest.fixture
def losses(with_tiny, tiny_model, trained, tmp_path):
    """The losses of two steps on the tiny model with these special tokens, the rows of uneven length."""

    def of(form, **special):
        name = "-".join(str(token).strip("<|>") for token in special.values())
        folder = with_tiny.models_dir / name
        shutil.copytree(tiny_model, folder)
        config = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps(config | special))
        answers = [("la " * (1 + n % 9)).strip() for n in range(24)]
        rows = [{"prompt": "Sing.", "chosen": each, "rejected": "no"} for each in answers]
        rows = rows if form == "dpo" else [{"prompt": "Sing.", "completion": each} for each in answers]
        (tmp_path / "uneven.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        settings = {"model.id": name, "data.path": str(tmp_path / "uneven.jsonl"), **FORMS[form]}
        few = {"training.max_steps": 2, "evaluation.times": 0, "training.precision": "fp32"}
        view = trained(**{**settings, **few}).view()
        chosen = {choice.what: choice.value for choice in view.choices}
        assert view.state == "done" and (chosen.get("training.packing") == "on") == (form == "packed")
        return [step.loss for step in view.steps]

    return of


@pytest.mark.parametrize(
    ("form", "without"), [("padded", {"pad_token": None}), ("dpo", {"pad_token": None, "eos_token": None})]
)
def test_the_loss_is_the_same_whichever_token_pads(form, without, losses):
    """Padding is masked, also where the end token pads; the end of a turn, which the template writes, is trained."""
    assert losses(form, **without) == losses(form, pad_token="<|endoftext|>")


def test_a_model_with_neither_a_padding_nor_an_end_token_is_trained_packed(losses):
    assert all(loss > 0 for loss in losses("packed", pad_token=None, eos_token=None))


@pytest.mark.threat("T26")
def test_a_template_that_never_ends_is_refused_when_its_tokenizer_is_loaded(workspace, files):
    folder = workspace.models_dir / "mine"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    loop = "{% for a in range(99998) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages }}"
    (folder / "chat_template.jinja").write_text(loop)
    with pytest.raises(ModelError, match="chat template takes more than 2 seconds"):
        load_tokenizer(ModelSettings(id="mine"), workspace)
    assert load_tokenizer(ModelSettings(id="mine", chat_template="chatml"), workspace).chat_template


@pytest.mark.threat("T26")
def test_a_template_is_tried_once(workspace, files, monkeypatch):
    from finetune.machine import rendering

    folder = workspace.models_dir / "mine"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "chat_template.jinja").write_text("{{ messages }}{# tried once #}")
    asked, ask = [], rendering._asked
    monkeypatch.setattr(rendering, "_asked", lambda *given: asked.append(1) or ask(*given))
    for _ in range(3):
        load_tokenizer(ModelSettings(id="mine"), workspace)
    assert len(asked) == len(TRIED)
