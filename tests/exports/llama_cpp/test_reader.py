"""A GGUF file answers as Transformers does with the model it was made of, whichever library opens it."""

import pytest

from finetune.errors import RunError
from finetune.exports.llama_cpp import tools
from finetune.exports.llama_cpp.reader import LlamaCpp, architecture, ends, reader
from finetune.exports.plain import Plain
from finetune.inference.question import prompt_tokens

ASKED = [{"role": "user", "content": "What of the sea?"}]


def plain(folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return Plain(model, AutoTokenizer.from_pretrained(folder), "Transformers")


@pytest.mark.parametrize("name", ["llama", "phi3", "gemma3"])
def test_llama_cpp_answers_as_transformers_does(name, written):
    pytest.importorskip("llama_cpp")
    folder, file = written(name)
    own, found = plain(folder), LlamaCpp(file)
    prompt = found.prompt(ASKED)
    assert prompt == prompt_tokens(own.tokenizer, ASKED)
    answer = own.answer(prompt, 12)
    assert found.answer(prompt, 12)[:12] == answer and len(set(answer)) > 2
    # Asked again it begins anew.
    assert found.answer(prompt, 12) == found.answer(prompt, 12)


def test_llama_cpp_ends_with_the_end_of_a_turn(written, monkeypatch):
    pytest.importorskip("llama_cpp")
    _, file = written("qwen2")
    found = LlamaCpp(file)
    import numpy as np

    end = found.tokens("<|im_end|>")[0]
    given = iter([5, 6, end, 7])
    monkeypatch.setattr(found, "logits", lambda ids: np.eye(600)[next(given)])
    assert found.answer([1], 10) == [5, 6, end] and end in ends(file)


def test_transformers_opens_it_where_llama_cpp_is_not_installed(written, write_run, monkeypatch):
    folder, file = written("qwen2")
    monkeypatch.setattr(tools, "has_library", lambda: False)
    own, found = plain(folder), reader(write_run(), file)
    assert found.opened_with.startswith("Transformers") and architecture(file) == "qwen2"
    prompt = found.prompt(ASKED)
    assert prompt == prompt_tokens(own.tokenizer, ASKED)
    assert found.answer(prompt, 4) == own.answer(prompt, 4)
    assert found.model.generation_config.eos_token_id == ends(file) and len(ends(file)) == 2


def test_a_file_that_transformers_misreads_is_no_crash(written, write_run, monkeypatch):
    monkeypatch.setattr(tools, "has_library", lambda: False)
    with pytest.raises(RunError, match="Transformers does not open") as refused:
        reader(write_run(), written("qwen3")[1])  # it takes no size of a head from the file
    assert "llama-cpp-python" in refused.value.hint


def test_without_a_library_that_opens_it_it_says_what_to_install(written, write_run, monkeypatch):
    _, file = written("smollm3")
    monkeypatch.setattr(tools, "has_library", lambda: False)
    with pytest.raises(RunError, match="architecture smollm3") as refused:
        reader(write_run(), file)
    assert "llama-cpp-python" in refused.value.hint


def test_what_is_no_gguf_file_is_refused(tmp_path):
    pytest.importorskip("llama_cpp")
    (tmp_path / "x.gguf").write_bytes(b"GGUF nothing")
    with pytest.raises(RunError, match="does not open"):
        LlamaCpp(tmp_path / "x.gguf")
