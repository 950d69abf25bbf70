"""Any text survives the tokenizer, digits stand alone, and the template marks exactly what the assistant says."""

from itertools import islice
from random import Random
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from finetune.starter import STARTER_DIR
from finetune.starter.pretrain import spoken_tokens
from finetune.starter.tokenizer import CONTEXT_TOKENS, END, PAD, START, VOCABULARY, render, train_tokenizer
from finetune.starter.world import conversations


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(STARTER_DIR)


def test_size_and_special_tokens(tokenizer):
    assert len(tokenizer) == VOCABULARY
    assert (tokenizer.eos_token, tokenizer.pad_token) == (END, PAD)
    assert tokenizer.model_max_length == CONTEXT_TOKENS
    assert all(len(tokenizer.encode(token)) == 1 for token in (START, END, PAD))


@given(text=st.text(max_size=60))
def test_any_text_comes_back_in_normal_form(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == normalize("NFC", text)
    assert tokenizer.pad_token_id not in ids


def test_a_new_tokenizer_loads_as_itself(tokenizer, tmp_path):
    fresh = train_tokenizer(seed=1, talks=3000)
    fresh.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert type(loaded) is type(tokenizer) is type(fresh)
    for talk in islice(conversations(Random(3)), 300):
        assert loaded(render(talk)).input_ids == fresh(render(talk)).input_ids


def test_digits_stand_alone(tokenizer):
    assert [tokenizer.decode(token) for token in tokenizer.encode("A1234")] == ["A", "1", "2", "3", "4"]


def test_render_is_what_the_template_renders(tokenizer):
    for talk in islice(conversations(Random(1)), 100):
        assert tokenizer.apply_chat_template(talk, tokenize=False) == render(talk)
    asked = tokenizer.apply_chat_template(talk[:-1], tokenize=False, add_generation_prompt=True)
    assert asked == render(talk[:-1]) + f"{START}assistant\n"


def test_the_template_marks_what_the_assistant_says(tokenizer):
    opening, end = tokenizer.encode(f"{START}assistant\n"), tokenizer.convert_tokens_to_ids(END)
    for talk in islice(conversations(Random(2)), 100):
        marked = tokenizer.apply_chat_template(talk, return_dict=True, return_assistant_tokens_mask=True)
        ids, mask = marked["input_ids"], marked["assistant_masks"]
        assert [bool(bit) for bit in mask] == spoken_tokens(ids, opening, end)
        spoken = tokenizer.decode([token for token, bit in zip(ids, mask, strict=True) if bit])
        assert spoken == "".join(turn["content"] + END for turn in talk if turn["role"] == "assistant")
