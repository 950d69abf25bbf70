import shutil

import pytest
import torch
from transformers import AutoTokenizer

from finetune.errors import RecipeError
from finetune.machine import hardware
from finetune.training.prepare import prepare
from finetune.training.teacher import load_teacher, teacher_of
from tests.training.test_train import recipe


def test_the_teacher_is_another_model_frozen_and_in_eval_mode(with_tiny, tmp_path):
    given = recipe(tmp_path, "distillation", **{"method.teacher_revision": "abc"})
    assert (teacher_of(given).id, teacher_of(given).revision) == ("teacher", "abc")
    model = load_teacher(given, with_tiny, hardware.machine(), "fp32")
    assert not model.training and not any(weight.requires_grad for weight in model.parameters())
    assert model.dtype == torch.float32


def test_most_methods_have_no_teacher(with_tiny, tmp_path):
    assert teacher_of(recipe(tmp_path)) is None
    assert load_teacher(recipe(tmp_path), with_tiny, hardware.machine(), "fp32") is None


def test_a_teacher_with_another_number_of_tokens_is_refused_in_words(with_tiny, tmp_path):
    with pytest.raises(RecipeError) as error:
        prepare(recipe(tmp_path, "distillation", **{"method.teacher": "starter"}), with_tiny)
    assert "starter cannot teach tiny: its vocabulary has 3,072 tokens and not 259." in error.value.message


def test_a_teacher_with_other_tokens_under_the_same_numbers_is_refused(with_tiny, tmp_path, tiny_teacher):
    folder = with_tiny.models_dir / "stranger"
    shutil.copytree(tiny_teacher, folder)
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(text.replace("<|endoftext|>", "<|other|>"), encoding="utf-8")
    assert "<|other|>" in AutoTokenizer.from_pretrained(folder).get_vocab()
    with pytest.raises(RecipeError, match="stranger cannot teach tiny: its vocabulary has other tokens"):
        prepare(recipe(tmp_path, "distillation", **{"method.teacher": "stranger"}), with_tiny)
