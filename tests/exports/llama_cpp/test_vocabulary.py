"""The tokens of the file against those of the tokenizer, as llama.cpp and Transformers make them."""

import pytest
from gguf import GGUFReader, TokenType
from tokenizers import Tokenizer, models, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from finetune.errors import RunError
from finetune.exports.llama_cpp.reader import LlamaCpp
from finetune.exports.llama_cpp.vocabulary import begins_with_bos, require_known, swallows, without_marks
from finetune.inference.question import prompt_tokens
from tests.exports.llama_cpp.tiny_families import TEXTS, TINY, tokenizer

TALK = (
    [{"role": "user", "content": "What of the sea?"}],
    [
        {"role": "user", "content": "What of\nthe sea?"},
        {"role": "assistant", "content": "It's wide: 345."},
        {"role": "user", "content": "naïve 🚀 <<own>> x"},
    ],
)


@pytest.mark.parametrize("name", TINY)
def test_llama_cpp_makes_the_same_tokens(name, written):
    pytest.importorskip("llama_cpp")
    folder, file = written(name)
    own, found = AutoTokenizer.from_pretrained(folder), LlamaCpp(file)
    if TINY[name][1] != "mistral":  # which writes a space before a text, and none within a conversation
        for text in TEXTS:
            assert found.tokens(text) == own(text, add_special_tokens=False)["input_ids"], text
        ids = own("a</s> b", add_special_tokens=False)["input_ids"]
        assert found.tokens("a</s> b") == ids and own.eos_token_id in ids
    if own.chat_template:
        # After each special token of Phi 3 llama.cpp swallows spaces, after a word that was added as well.
        for messages in TALK if TINY[name][1] != "phi" else TALK[:1]:
            assert found.prompt(messages) == prompt_tokens(own, messages)
    else:
        assert found.prompt(TALK[0]) == own("What of the sea?")["input_ids"]
    ids = own("The sea, naïve 🚀</s>", add_special_tokens=False)["input_ids"]
    assert found.text(ids).strip() == "The sea, naïve 🚀</s>"


@pytest.mark.parametrize("name", ["llama", "llama 3", "qwen2", "qwen3"])
def test_transformers_makes_the_same_tokens(name, written):
    folder, file = written(name)
    own, found = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    assert found("The sea is wide")["input_ids"][-4:] == own("The sea is wide")["input_ids"][-4:]
    assert (found.eos_token_id, found.bos_token_id) == (own.eos_token_id, own.bos_token_id)


def test_every_token_has_its_kind(written):
    folder, file = written("llama")
    own, fields = AutoTokenizer.from_pretrained(folder), GGUFReader(file).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = dict(zip(tokens, fields["tokenizer.ggml.token_type"].contents()))
    assert len(tokens) == len(own) + 3 and tokens[: len(own)] == own.convert_ids_to_tokens(range(len(own)))
    assert (kinds["<unk>"], kinds["<s>"], kinds["<0x0A>"]) == (TokenType.UNKNOWN, TokenType.CONTROL, TokenType.BYTE)
    assert (kinds["▁s"], kinds["<<own>>"]) == (TokenType.NORMAL, TokenType.USER_DEFINED)
    assert kinds[tokens[-1]] == TokenType.UNUSED and tokens[-1] == f"[PAD{len(tokens) - 1}]"


def test_the_ends_are_kept(written):
    folder, file = written("qwen2")
    own, fields = AutoTokenizer.from_pretrained(folder), GGUFReader(file).fields
    assert fields["tokenizer.ggml.eos_token_id"].contents() == own.eos_token_id
    assert fields["tokenizer.ggml.eot_token_id"].contents() == own.convert_tokens_to_ids("<|im_end|>")
    assert not fields["tokenizer.ggml.add_bos_token"].contents()


def test_a_conversation_decides_about_the_token_for_the_beginning():
    found = tokenizer("llama-3")
    assert begins_with_bos(found)
    found.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert not begins_with_bos(found)
    found.chat_template = None
    assert begins_with_bos(found) and not begins_with_bos(tokenizer("qwen"))


@pytest.mark.parametrize(
    "mark", ["{% generation %}A{% endgeneration %}", " {%- generation -%} A {%- endgeneration %} B"]
)
def test_marks_of_training_leave_the_text_as_it_was(mark):
    from jinja2 import Environment

    found = tokenizer("qwen")
    found.chat_template = "x\n" + mark + "\ny"
    plain = Environment(trim_blocks=True, lstrip_blocks=True).from_string(without_marks(found.chat_template)).render()
    assert plain == found.apply_chat_template([{"role": "user", "content": ""}], tokenize=False)


@pytest.mark.parametrize(
    ("model", "normalizer", "said"),
    [
        (models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0), None, "of the kind Unigram"),
        (models.WordLevel({"a": 0}, unk_token="a"), None, "of the kind WordLevel"),
        (models.BPE({"a": 0}, []), normalizers.Lowercase(), "changes texts before"),
        (models.BPE({"a": 0}, [], byte_fallback=True), normalizers.NFKC(), "changes texts before"),
        (models.BPE({"a": 0}, []), None, "how its tokenizer splits"),
    ],
)
def test_an_unknown_tokenizer_is_refused(model, normalizer, said):
    raw = Tokenizer(model)
    if normalizer:
        raw.normalizer = normalizer
    with pytest.raises(RunError, match=said) as refused:
        require_known(PreTrainedTokenizerFast(tokenizer_object=raw))
    assert "LLAMA_CPP" in refused.value.hint


def test_special_tokens_that_swallow_spaces_are_those_of_phi_3_or_refused():
    assert swallows(tokenizer("phi")) and not swallows(tokenizer("qwen"))
    found = tokenizer("qwen")
    from tokenizers import AddedToken

    found.add_special_tokens({"additional_special_tokens": [AddedToken("<|end|>", rstrip=True)]})
    found.chat_template = "{{ messages[0]['content'] + '<|end|>' }}"
    with pytest.raises(RunError, match="swallow the spaces after"):
        swallows(found)
