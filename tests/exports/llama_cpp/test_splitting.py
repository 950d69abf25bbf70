from hashlib import sha256

import pytest
from tokenizers import pre_tokenizers

from finetune.exports.llama_cpp import splitting
from finetune.exports.llama_cpp.splitting import HASHES, TEST_TEXT
from finetune.models.locate import STARTER
from tests.exports.llama_cpp.tiny_families import tokenizer


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("qwen", "qwen2"),
        ("llama-3", "llama-bpe"),
        *((each, each) for each in ("smollm", "dbrx", "tekken", "gpt-4o", "gpt-2")),
    ],
)
def test_a_split_is_known_by_its_rule(kind, name):
    assert splitting.splitting(tokenizer(kind)) == name


def test_the_starter_splits_as_qwen():
    from transformers import AutoTokenizer

    assert splitting.splitting(AutoTokenizer.from_pretrained(STARTER)) == "qwen2"


def test_another_split_is_known_by_its_tokens_or_not_at_all(monkeypatch):
    found = tokenizer("qwen")
    found.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    assert splitting.splitting(found) == ""
    own = sha256(str(found.encode(TEST_TEXT)).encode()).hexdigest()
    monkeypatch.setitem(HASHES, own, "qwen2")
    assert splitting.splitting(found) == "qwen2"


def test_a_space_before_each_text_is_no_split_of_llama_cpp():
    found = tokenizer("gpt-2")
    found.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    assert splitting.splitting(found) == ""
