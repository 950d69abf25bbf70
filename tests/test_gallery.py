"""Models that also read pictures are trained on text, and leave as whole models: held against Transformers and PEFT."""

import json
import re
import zipfile
from importlib import import_module

import pytest
import torch
from safetensors.torch import load_file

from finetune.errors import ModelError
from finetune.exports import TARGETS
from finetune.inference.chat import Pair
from finetune.inference.question import prompt_tokens
from finetune.recipe import Recipe
from finetune.training.train import train
from tests import gallery

QUESTION = [{"role": "user", "content": "What of the sea?"}]
REFUSED = "aya_vision"
"""Transformers does not scale its logits, TRL's loss scales them: nobody can say which of them is the model."""
TOWERS = re.compile(r"vision|visual|projector|connector|image_newline|multi_modal|patch_embed|view_seperator|vit\.")
"""What the weights of a tower, and of what leads from it to the language model, are called by their authors."""


def trained(name, workspace, tmp_path, **settings):
    """A finished run of the tiny model ``name``: two steps that change it plainly."""
    if not (workspace.models_dir / name).exists():
        gallery.write(name, workspace.models_dir / name)
    words = ["sea", "the sky over the hills", "a long tale of the moon and of the stars above it all"] * 8
    chats = [[{"role": "user", "content": "What?"}, {"role": "assistant", "content": word}] for word in words]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"messages": chat}) for chat in chats), encoding="utf-8")
    training = {"max_steps": 2, "batch_size": 8, "precision": "fp32", "learning_rate": 0.02}
    given = {"model": {"id": name}, "data": {"path": str(tmp_path / "rows.jsonl")}, "training": training}
    recipe = Recipe.from_dict(given | {"evaluation": {"times": 1, "max_tokens": 4}}).changed(**settings)
    run = workspace.create(recipe)
    with run.held():
        train(run, workspace)
    assert run.view().state == "done"
    assert any("It also reads pictures" in note.message for note in run.view().notes)
    return run


def loaded(folder):
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()


def logits(model):
    with torch.no_grad():
        return model(input_ids=torch.arange(20, 44)[None]).logits


def answer(model, tokenizer, count=8):
    batch = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**batch, max_new_tokens=count, do_sample=False, eos_token_id=None, pad_token_id=0)
    return output[0, batch["input_ids"].shape[1] :].tolist()


def check_adapter(name, workspace, tmp_path):
    """LoRA on the language model alone; adapter, merged model and Compare are what plain libraries make of them."""
    from peft import PeftModel
    from transformers import AutoTokenizer

    run, base = trained(name, workspace, tmp_path), workspace.models_dir / name
    keys = load_file(run.model_dir / "adapter_model.safetensors")
    assert keys and not any(map(TOWERS.search, keys))
    untouched = logits(loaded(base))
    tuned = PeftModel.from_pretrained(loaded(base), run.model_dir).eval()
    expected = logits(tuned)
    assert (expected - untouched).abs().max() > 0.1 * untouched.std()

    pair, tokenizer = Pair.load(run, workspace), AutoTokenizer.from_pretrained(run.model_dir)
    pair.end_ids = set()
    answers = [[], []]
    position_logits, position = pair.decoding.prefill((prompt_tokens(pair.tokenizer, QUESTION),) * 2)
    for _ in range(8):
        tokens = [int(row.argmax()) for row in position_logits]
        answers = [each + [token] for each, token in zip(answers, tokens)]
        position_logits = pair.decoding.step(tokens, position)
    precise = next(iter(pair.decoding.model.parameters())).dtype
    assert answers[0] == answer(loaded(base).to(precise), tokenizer)
    assert answers[1] == answer(tuned.to(precise), tokenizer)

    path, _, _ = TARGETS["merged"].write(run, workspace, tmp_path / "out")
    exact = tuned.to(torch.float32).merge_and_unload()
    assert (logits(exact) - expected).abs().max() < 1e-3 * expected.abs().max()
    merged, own = load_file(path / "model.safetensors"), load_file(base / "model.safetensors")
    assert merged.keys() == own.keys() and {weight.dtype for weight in merged.values()} == {torch.bfloat16}
    assert (logits(loaded(path)) - expected).abs().max() < 0.1 * expected.abs().max()
    changed = {key for key in own if not torch.equal(own[key], merged[key])}
    assert changed and not any(map(TOWERS.search, changed)) and any(map(TOWERS.search, own))
    check_config(path, base)
    for file in ("preprocessor_config.json", "tokenizer.json"):
        assert (path / file).read_bytes() == (base / file).read_bytes()
    assert "AutoModelForImageTextToText" in (path / "README.md").read_text(encoding="utf-8")


def check_config(folder, base):
    """The config is the base's, with older keys beside those of its text part at most."""
    kept, own = (json.loads((each / "config.json").read_text()) for each in (folder, base))
    assert kept.keys() >= own.keys() and kept["text_config"].items() >= own["text_config"].items()
    assert all(kept[key] == own[key] for key in own if key != "text_config")


def check_full(name, workspace, tmp_path):
    """Full fine-tuning trains the language model alone, and saves the whole."""
    run, base = trained(name, workspace, tmp_path, adapter={"type": "full"}), workspace.models_dir / name
    own, saved = load_file(base / "model.safetensors"), load_file(run.model_dir / "model.safetensors")
    assert own.keys() == saved.keys()
    changed = {key for key in own if not torch.equal(own[key], saved[key])}
    assert changed and not any(map(TOWERS.search, changed)) and any(map(TOWERS.search, own))
    assert len(changed) < len(own) and run.view().trainable < run.view().parameters
    check_config(run.model_dir, base)
    assert (run.model_dir / "preprocessor_config.json").exists()
    assert (logits(loaded(run.model_dir)) - logits(loaded(base))).abs().max() > 0.1


def test_a_model_that_reads_pictures_is_trained_on_text(workspace, tmp_path):
    check_adapter("qwen3_vl", workspace, tmp_path)


def test_full_fine_tuning_leaves_the_towers(workspace, tmp_path):
    check_full("smolvlm", workspace, tmp_path)


def test_one_whose_loss_is_not_its_own_is_refused_in_words(workspace, tmp_path):
    with pytest.raises(ModelError, match="The loss of this model .aya_vision. cannot be computed here"):
        trained(REFUSED, workspace, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("name", sorted(set(gallery.FAMILIES) - {"qwen3_vl", REFUSED}))
def test_every_family_with_an_adapter(name, workspace, tmp_path):
    check_adapter(name, workspace, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("name", sorted(set(gallery.FAMILIES) - {"smolvlm", REFUSED}))
def test_every_family_in_full(name, workspace, tmp_path):
    check_full(name, workspace, tmp_path)


def test_the_class_that_loads_it_is_named_in_what_leaves(workspace, tmp_path):
    run = trained("llava", workspace, tmp_path)
    path, _, _ = TARGETS["adapter"].write(run, workspace, tmp_path / "out")
    with zipfile.ZipFile(path) as archive:
        assert "AutoModelForImageTextToText" in archive.read("README.md").decode()
    named = json.loads((run.model_dir / "adapter_config.json").read_text(encoding="utf-8"))["auto_mapping"]
    own_class = getattr(import_module(named["parent_library"]), named["base_model_class"])
    assert type(loaded(workspace.models_dir / "llava")) is own_class
    script, _, _ = TARGETS["script"].write(run, workspace, tmp_path / "script")
    assert "model = AutoModelForImageTextToText.from_pretrained(" in script.read_text(encoding="utf-8")
