"""Pieces are compared with the text itself: decoded and joined, they are it, and each begins where the text allows."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from finetune.data.pieces import cutting, pieces, training_rows
from finetune.data.settings import DataSettings
from finetune.data.tokens import text_sequence
from finetune.methods.sft import SFT
from tests.data.test_tokens import base

PARAGRAPHS = [
    "The sea is blue. It is wide, and cold.",
    "A harbor lies there! Is it old?",
    "Ships come and go.\nAlways.",
]
TEXT = "\n\n".join(PARAGRAPHS * 3)


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def texts(sequences, tokenizer):
    return [tokenizer.decode(sequence.ids, skip_special_tokens=True) for sequence in sequences]


def test_a_text_is_cut_at_the_ends_of_paragraphs(tokenizer):
    found = pieces(TEXT, tokenizer, 80)
    assert "".join(texts(found, tokenizer)) == TEXT and len(found) > 3
    assert all(text.endswith("\n\n") for text in texts(found, tokenizer)[:-1])
    assert all(len(sequence.ids) <= 80 and not sequence.is_truncated for sequence in found)


def test_else_at_the_ends_of_sentences_lines_words_or_anywhere(tokenizer):
    assert [text[-2:] for text in texts(pieces("It is so. " * 20, tokenizer, 25), tokenizer)[:-1]] == [". "] * 9
    assert {text[-1] for text in texts(pieces("これは海です。" * 20, tokenizer, 70), tokenizer)[:-1]} == {"。"}
    assert all(text.endswith("\n") for text in texts(pieces("a line\n" * 20, tokenizer, 25), tokenizer)[:-1])
    assert all(text.endswith(" ") for text in texts(pieces("word " * 20, tokenizer, 23), tokenizer)[:-1])
    assert [len(sequence.ids) for sequence in pieces("x" * 50, tokenizer, 20)] == [20, 20, 11]
    assert [len(sequence.ids) for sequence in pieces("x" * 40, tokenizer, 20)] == [20, 19, 2]


def test_all_tokens_but_the_first_of_each_piece_are_trained_and_only_the_last_ends(tokenizer):
    found = pieces(TEXT, tokenizer, 80)
    end = tokenizer.eos_token_id
    assert [end in sequence.ids for sequence in found] == [False] * (len(found) - 1) + [True]
    assert all(sequence.trained == (False, *[True] * (len(sequence.ids) - 1)) for sequence in found)


def test_each_piece_begins_as_every_text(tmp_path):
    tokenizer = base(["<s>", "</s>"], "</s>", "<s>")
    begin = tokenizer("a")["input_ids"][:-1]
    found = pieces("word " * 50, tokenizer, 20)
    assert len(found) > 2 and all(list(sequence.ids[: len(begin)]) == begin for sequence in found)
    assert sum(len(sequence.ids) - len(begin) for sequence in found) == len(
        text_sequence("word " * 50, tokenizer, 10_000).ids
    ) - len(begin)


def test_a_short_text_is_one_piece(tokenizer):
    assert pieces("Short.", tokenizer, 80) == (text_sequence("Short.", tokenizer, 80),)


@given(st.text(min_size=1, max_size=60), st.integers(4, 30))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost(tokenizer, text, length):
    found = pieces(text, tokenizer, length)
    ids = [token for sequence in found for token in sequence.ids]
    assert ids == list(text_sequence(text, tokenizer, 10_000).ids)
    assert all(len(sequence.ids) <= length and sequence.has_trained_tokens for sequence in found)


def test_sequences_are_cut_only_if_the_settings_say_so(tokenizer):
    method, example = SFT(), {"text": TEXT}
    whole = cutting(method.sequences, DataSettings(path="a"))(example, tokenizer, 80)
    cut = cutting(method.sequences, DataSettings(path="a", split_long=True))(example, tokenizer, 80)
    assert len(whole) == 1 and whole[0].is_truncated and cut == pieces(TEXT, tokenizer, 80)
    assert training_rows(example, cut) == [(piece,) for piece in cut]
    chat = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": TEXT}]}
    kept = cutting(method.sequences, DataSettings(path="a", split_long=True))(chat, tokenizer, 80)
    assert training_rows(chat, kept) == [kept] and kept[0].is_truncated


@pytest.mark.parametrize("unit", ["\n", " ", ".", "a", "a. ", "\n\n", "\r\n"])
def test_any_text_takes_linear_time(tokenizer, unit):
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    pieces(text, tokenizer, 100)
    assert time.process_time() - started < 5
